package io.moetier.engine.model;

import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.device.Kernels;
import io.moetier.engine.device.Routing;
import io.moetier.engine.model.spec.RouterSpec;
import org.jspecify.annotations.Nullable;

/// Chooses the experts of tokens: logits from a linear map, and the rule that reads them.
final class Router {
    private final Linear linear;
    private final Routing routing;
    private final float @Nullable [] correction;

    Router(RouterSpec spec, Weights weights) {
        linear = Linear.load(spec.linear(), weights);
        routing = spec.routing();
        correction = spec.correction().map(weights::vector).orElse(null);
    }

    /// Returns what gives the logits.
    Linear linear() {
        return linear;
    }

    int numExpertsPerToken() {
        return routing.numExpertsPerToken();
    }

    /// Reads `logits` [n, numExperts]; `ids` and `weights` receive [n, k].
    void choose(Kernels kernels, DeviceBuffer logits, int n, int[] ids, float[] weights) {
        kernels.route(logits, n, routing, correction, ids, weights);
    }
}
