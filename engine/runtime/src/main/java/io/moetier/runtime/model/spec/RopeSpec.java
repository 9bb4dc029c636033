package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.weight.Range;
import java.util.Optional;

/// Rotary position embedding (Su et al. 2021).
///
/// @param rotaryDim how many elements of a head are rotated, from its first on; all of them in most families
/// @param interleaved whether neighbours are paired, instead of the two halves of what is rotated
/// @param scaling how a checkpoint stretches it to longer contexts
public record RopeSpec(int rotaryDim, double theta, boolean interleaved, Optional<RopeTable.Scaling> scaling) {
    /// @throws IllegalArgumentException if a number is out of range
    public RopeSpec {
        Range.require("rotated elements of a head", rotaryDim, 2, Range.ROTATED);
        Range.requirePositive("base of the rotations", theta);
        RopeTable.of(rotaryDim, theta, interleaved, scaling); // refuses what gives no finite angles
    }
}
