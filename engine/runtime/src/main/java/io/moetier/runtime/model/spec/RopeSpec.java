package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.weight.Range;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Rotary position embedding (Su et al. 2021).
///
/// @param rotaryDim how many elements of a head are rotated, from its first on; all of them in most families
/// @param interleaved whether neighbours are paired, instead of the two halves of what is rotated
/// @param scaling how a checkpoint stretches it to longer contexts
/// @param sections how many pairs are rotated by time, row and column of an image's tokens, the three taking turns from
///     the first pair on as long as they have any, and time taking the rest (Qwen3-VL); empty where images have none
/// @param step positions from one row to the next: 1 for tokens, -1 for what is rotated back, more for entries that
///     stand for several positions
public record RopeSpec(
        int rotaryDim,
        double theta,
        boolean interleaved,
        Optional<RopeTable.Scaling> scaling,
        List<Integer> sections,
        int step) {
    private static final int AXES = 3;

    /// @throws IllegalArgumentException if a number is out of range
    public RopeSpec {
        sections = List.copyOf(sections);
        Range.require("rotated elements of a head", rotaryDim, 2, Range.ROTATED);
        Range.requirePositive("base of the rotations", theta);
        RopeTable.of(rotaryDim, theta, interleaved, scaling); // refuses what gives no finite angles
    }

    /// Returns a rotation by the positions of a text.
    public RopeSpec(int rotaryDim, double theta, boolean interleaved, Optional<RopeTable.Scaling> scaling) {
        this(rotaryDim, theta, interleaved, scaling, List.of(), 1);
    }

    /// Returns this rotation of rows that are so many positions apart.
    public RopeSpec every(int positions) {
        return new RopeSpec(rotaryDim, theta, interleaved, scaling, sections, positions);
    }

    /// Returns what undoes this rotation.
    public RopeSpec back() {
        return every(-step);
    }

    /// Returns how many rows there are of so many positions.
    public int rows(int positions) {
        return Math.ceilDiv(positions, Math.abs(step));
    }

    /// Returns the bytes of the angles that texts of up to so many positions are rotated by.
    public long bytes(int positions) {
        int ofShort = scaling.filter(RopeTable.LongRope.class::isInstance)
                .map(RopeTable.LongRope.class::cast)
                .map(RopeTable.LongRope::originalPositions)
                .orElse(positions);
        long bytes = RopeTable.bytes(rotaryDim, rows(Math.min(positions, ofShort)));
        return positions > ofShort ? bytes + RopeTable.bytes(rotaryDim, rows(positions)) : bytes;
    }

    /// Returns by what each pair is rotated: 0 for time, 1 for the row, 2 for the column; empty without sections.
    public int[] axes() {
        return sections.isEmpty()
                ? new int[0]
                : IntStream.range(0, rotaryDim / 2).map(this::axis).toArray();
    }

    private int axis(int pair) {
        int axis = pair % AXES;
        return pair < AXES * sections.get(axis) ? axis : 0;
    }
}
