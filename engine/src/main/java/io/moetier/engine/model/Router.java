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
    private final @Nullable Capacity capacity;
    private final @Nullable TopPExperts topP;

    Router(RouterSpec spec, Weights weights, ExpertSelection selection) {
        linear = Linear.load(spec.linear(), weights);
        correction = spec.correction().map(weights::vector).orElse(null);
        topP = selection.topP().isPresent()
                ? new TopPExperts(spec.routing(), selection.topP().getAsDouble())
                : null;
        routing = topP == null ? spec.routing() : topP.probabilities();
        capacity = spec.capacity()
                .map(limit -> new Capacity(limit, routing.numExperts()))
                .orElse(null);
    }

    /// Returns what gives the logits.
    Linear linear() {
        return linear;
    }

    int numExpertsPerToken() {
        return routing.numExpertsPerToken();
    }

    /// Returns what an observer is shown of the choices that were just made for `n` tokens.
    Mixture.Gate show(Kernels kernels, Workspace workspace, DeviceBuffer logits, int n, int[] ids, float[] weights) {
        int choices = routing.numExperts();
        int[] order = new int[n * choices];
        float[] byOrder = new float[n * choices];
        kernels.route(logits, n, routing.ofScores(), null, order, byOrder);
        float[] scores = new float[n * choices];
        for (int i = 0; i < scores.length; i++) {
            scores[i / choices * choices + order[i]] = byOrder[i];
        }
        return new Mixture.Gate(
                workspace.rows(workspace.normed, n, linear.weight().cols()),
                workspace.rows(logits, n, choices),
                scores,
                correction,
                routing.numExpertsPerToken(),
                ids,
                weights);
    }

    /// Reads `logits` [n, numExperts]; `ids` and `weights` receive [n, k].
    void choose(Kernels kernels, DeviceBuffer logits, int n, int[] ids, float[] weights) {
        kernels.route(logits, n, routing, correction, ids, weights);
        if (topP != null) {
            topP.keep(ids, weights, n);
        }
        if (capacity != null) {
            capacity.limit(ids, weights, n, routing.numExpertsPerToken());
        }
    }
}
