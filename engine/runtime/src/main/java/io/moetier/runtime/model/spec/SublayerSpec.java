package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A block with its norms and its way back into the residual stream.
///
/// @param norm in front of the block
/// @param postNorm of the block's result
/// @param sumNorm of its sum with the result of the sublayer before, if that waited for this one
public record SublayerSpec(
        Optional<NormSpec> norm,
        BlockSpec block,
        Optional<NormSpec> postNorm,
        ResidualSpec residual,
        Optional<NormSpec> sumNorm) {
    /// Returns the usual one: x + block(norm(x)).
    public static SublayerSpec preNorm(NormSpec norm, BlockSpec block) {
        return new SublayerSpec(Optional.of(norm), block, Optional.empty(), ResidualSpec.SUM, Optional.empty());
    }

    /// Returns one that normalises its result instead of its input: x + norm(block(x)).
    public static SublayerSpec postNorm(BlockSpec block, NormSpec norm) {
        return new SublayerSpec(Optional.empty(), block, Optional.of(norm), ResidualSpec.SUM, Optional.empty());
    }

    /// Returns one that normalises both: x + after(block(before(x))).
    public static SublayerSpec sandwich(NormSpec before, BlockSpec block, NormSpec after) {
        return new SublayerSpec(Optional.of(before), block, Optional.of(after), ResidualSpec.SUM, Optional.empty());
    }

    /// Returns this sublayer with another way back.
    public SublayerSpec with(ResidualSpec newResidual) {
        return new SublayerSpec(norm, block, postNorm, newResidual, sumNorm);
    }

    /// Returns this sublayer with another block.
    SublayerSpec with(BlockSpec newBlock) {
        return new SublayerSpec(norm, newBlock, postNorm, residual, sumNorm);
    }

    /// Returns this sublayer taking in the result of the one before, and normalising their sum.
    public SublayerSpec addedToTheLast(NormSpec norm) {
        return new SublayerSpec(this.norm, block, postNorm, residual, Optional.of(norm));
    }

    /// Returns its norms, those inside the block left out.
    public List<NormSpec> norms() {
        return Stream.of(norm, postNorm, sumNorm).flatMap(Optional::stream).toList();
    }
}
