package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.SharedExpertSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import java.util.stream.Stream;

/// The largest products of a pass: what a device keeps for the next ones grows with them.
public final class LargestProducts {
    private LargestProducts() {}

    /// Returns them for passes of at most so many tokens.
    public static ProductSizes of(ModelSpec spec, int tokens) {
        int widest = spec.blocks(MixerSpec.class)
                .flatMap(mixer -> mixer.linears().stream())
                .mapToInt(LinearSpec::cols)
                .max()
                .orElse(0);
        ProductSizes columns = new ProductSizes((long) tokens * Math.max(widest, spec.hiddenSize()), 0, 0);
        return spec.blocks(DenseSpec.class)
                .map(dense -> ofRows(dense, tokens, tokens))
                .reduce(columns, ProductSizes::max)
                .max(ofExperts(spec, tokens));
    }

    /// Returns those of mixtures alone.
    public static ProductSizes ofExperts(ModelSpec spec, int tokens) {
        return spec.moeLayers().stream()
                .map(moe -> ofMixture(moe, tokens))
                .reduce(ProductSizes.NONE, ProductSizes::max);
    }

    /// A batch has as many experts as it has room for, or one that many tokens chose.
    private static ProductSizes ofMixture(MoeSpec moe, int tokens) {
        int visits = moe.numExpertsPerToken() + (moe.sharedExpert().isPresent() ? 1 : 0);
        int rows = Math.min(Math.max(tokens, ExpertBatch.MOST_ROWS), Math.multiplyExact(tokens, visits));
        return Stream.concat(moe.experts().stream().distinct(), moe.sharedExpert().map(SharedExpertSpec::ffn).stream())
                .map(expert -> ofRows(expert, tokens, rows))
                .reduce(ProductSizes.NONE, ProductSizes::max);
    }

    /// @param tokens that one network may have
    /// @param together rows that several of its kind may have
    private static ProductSizes ofRows(DenseSpec network, int tokens, int together) {
        int width = network.up().rows();
        long hidden = Math.max((long) tokens * width, Math.min((long) together * width, ExpertBatch.MOST_HIDDEN));
        return new ProductSizes(
                0, Math.max(hidden, (long) together * network.up().cols()), hidden);
    }
}
