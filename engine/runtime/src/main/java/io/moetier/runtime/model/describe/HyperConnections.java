package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.StreamShape;
import io.moetier.runtime.model.spec.HyperConnectionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;

/// Describes hyper-connections with the keys and tensors that DeepSeek-V4 gave them: `hc_mult` streams, `hc_eps`,
/// `hc_sinkhorn_iters`; `name_fn`, `name_scale`, `name_base`.
public final class HyperConnections {
    private static final int PARTS = 3;

    private HyperConnections() {}

    /// Returns that of a sublayer.
    public static HyperConnectionSpec ofSublayer(FamilyConfig config, String name) {
        return spec(config, name, PARTS, config.positive("hc_sinkhorn_iters"));
    }

    /// Returns that in front of the last norm, into which nothing comes back.
    public static HyperConnectionSpec ofHead(FamilyConfig config, String name) {
        return spec(config, name, 1, 0);
    }

    private static HyperConnectionSpec spec(FamilyConfig config, String name, int parts, int iterations) {
        int streams = config.positive("hc_mult");
        if (streams > StreamShape.MOST_STREAMS) {
            throw config.json().unexpected("hc_mult", "at most " + StreamShape.MOST_STREAMS, streams);
        }
        int size = config.times(streams, "hidden_size", config.hiddenSize());
        int coefficients = StreamShape.width(streams, iterations > 0);
        return new HyperConnectionSpec(
                NormSpec.rmsWithoutWeight(size, config.eps()),
                LinearSpec.of(name + "_fn", coefficients, size),
                VectorSpec.of(name + "_scale", parts),
                VectorSpec.of(name + "_base", coefficients),
                streams,
                config.number("hc_eps"),
                iterations);
    }
}
