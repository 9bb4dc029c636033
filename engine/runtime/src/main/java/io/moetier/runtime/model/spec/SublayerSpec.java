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
/// @param connection where there are several residual streams: how they become what the norm reads, and how the
///     result comes back, instead of `residual`
public record SublayerSpec(
        Optional<NormSpec> norm,
        BlockSpec block,
        Optional<NormSpec> postNorm,
        ResidualSpec residual,
        Optional<NormSpec> sumNorm,
        Optional<HyperConnectionSpec> connection) {
    /// Returns the usual one: x + block(norm(x)).
    public static SublayerSpec preNorm(NormSpec norm, BlockSpec block) {
        return summed(Optional.of(norm), block, Optional.empty());
    }

    /// Returns one that normalises its result instead of its input: x + norm(block(x)).
    public static SublayerSpec postNorm(BlockSpec block, NormSpec norm) {
        return summed(Optional.empty(), block, Optional.of(norm));
    }

    /// Returns one that normalises both: x + after(block(before(x))).
    public static SublayerSpec sandwich(NormSpec before, BlockSpec block, NormSpec after) {
        return summed(Optional.of(before), block, Optional.of(after));
    }

    private static SublayerSpec summed(Optional<NormSpec> norm, BlockSpec block, Optional<NormSpec> postNorm) {
        return new SublayerSpec(norm, block, postNorm, ResidualSpec.SUM, Optional.empty(), Optional.empty());
    }

    /// Returns this sublayer with another way back.
    public SublayerSpec with(ResidualSpec newResidual) {
        return new SublayerSpec(norm, block, postNorm, newResidual, sumNorm, connection);
    }

    /// Returns this sublayer among several residual streams.
    public SublayerSpec with(HyperConnectionSpec newConnection) {
        return new SublayerSpec(norm, block, postNorm, residual, sumNorm, Optional.of(newConnection));
    }

    /// Returns this sublayer with another block.
    SublayerSpec with(BlockSpec newBlock) {
        return new SublayerSpec(norm, newBlock, postNorm, residual, sumNorm, connection);
    }

    /// Returns this sublayer taking in the result of the one before, and normalising their sum.
    public SublayerSpec addedToTheLast(NormSpec norm) {
        return new SublayerSpec(this.norm, block, postNorm, residual, Optional.of(norm), connection);
    }

    /// Returns its norms, those inside the block left out.
    public List<NormSpec> norms() {
        return Stream.of(norm, postNorm, sumNorm).flatMap(Optional::stream).toList();
    }
}
