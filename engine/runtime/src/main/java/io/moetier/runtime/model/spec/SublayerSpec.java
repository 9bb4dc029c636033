package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A block with its norms and its way back into the residual stream.
///
/// @param norm in front of the block
/// @param postNorm of the block's result
public record SublayerSpec(
        Optional<NormSpec> norm, BlockSpec block, Optional<NormSpec> postNorm, ResidualSpec residual) {
    /// Returns the usual one: x + block(norm(x)).
    public static SublayerSpec preNorm(NormSpec norm, BlockSpec block) {
        return new SublayerSpec(Optional.of(norm), block, Optional.empty(), ResidualSpec.SUM);
    }

    /// Returns one that normalises its result instead of its input: x + norm(block(x)).
    public static SublayerSpec postNorm(BlockSpec block, NormSpec norm) {
        return new SublayerSpec(Optional.empty(), block, Optional.of(norm), ResidualSpec.SUM);
    }

    /// Returns one that normalises both: x + after(block(before(x))).
    public static SublayerSpec sandwich(NormSpec before, BlockSpec block, NormSpec after) {
        return new SublayerSpec(Optional.of(before), block, Optional.of(after), ResidualSpec.SUM);
    }

    /// Returns this sublayer with another way back.
    public SublayerSpec with(ResidualSpec newResidual) {
        return new SublayerSpec(norm, block, postNorm, newResidual);
    }

    /// Returns its norms, those inside the block left out.
    public List<NormSpec> norms() {
        return Stream.concat(norm.stream(), postNorm.stream()).toList();
    }
}
