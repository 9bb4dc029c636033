package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RouterWeights;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Mixture;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.RouterSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.storage.model.MalformedModelException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Chooses the experts of tokens: logits from a linear map, and the rule that reads them.
final class Router {
    private final RouterWeights alone;
    private final RouterWeights withGate; // of a shared expert, if there is one
    private final Routing routing;
    private final float @Nullable [] correction;
    private final @Nullable Norm norm; // of the residual stream, if the router reads that
    private final float @Nullable [] factors; // of experts, on their weights
    private final @Nullable Capacity capacity;
    private final @Nullable TopPExperts topP;
    private final int @Nullable [] byToken; // [vocabulary, of a token], where logits do not choose
    private final int ofToken;

    /// @param gate of a shared expert, whose logits are computed beside those of the experts
    Router(RouterSpec spec, Optional<LinearSpec> gate, Weights weights, ExpertSelection selection) {
        correction = spec.correction().map(weights::vector).orElse(null);
        topP = selection.topPExperts().isPresent()
                ? new TopPExperts(spec.routing(), selection.topPExperts().getAsDouble())
                : null;
        routing = topP == null ? spec.routing() : topP.probabilities();
        capacity = spec.capacity()
                .map(limit -> new Capacity(limit, routing.numExperts()))
                .orElse(null);
        norm = spec.norm().map(own -> Norm.load(own, weights)).orElse(null);
        factors = spec.factors().map(weights::vector).orElse(null);
        ofToken = spec.expertsByToken();
        byToken = spec.byToken().map(table -> experts(table, weights)).orElse(null);
        Linear logits = Linear.load(spec.linear(), weights);
        alone = operands(List.of(logits));
        withGate = gate.map(linear -> operands(List.of(logits, Linear.load(linear, weights))))
                .orElse(alone);
    }

    private RouterWeights operands(List<Linear> linears) {
        return new RouterWeights(
                linears.stream().map(Linear::weight).toArray(WeightMatrix[]::new),
                linears.stream().map(Linear::bias).toArray(float[][]::new),
                routing,
                correction);
    }

    /// Returns the router's own norm of the residual stream, if it does not read what experts do.
    @Nullable
    Norm norm() {
        return norm;
    }

    private int[] experts(VectorSpec table, Weights weights) {
        float[] written = weights.vector(table);
        int[] ids = new int[written.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) written[i];
            if (ids[i] < 0 || ids[i] >= routing.numExperts()) {
                throw new MalformedModelException(
                        table.name() + ": expected experts 0 to " + (routing.numExperts() - 1) + ", found " + ids[i]);
            }
        }
        return ids;
    }

    int numExpertsPerToken() {
        return routing.numExpertsPerToken();
    }

    /// Returns what an observer is shown of the choices that were just made for `n` tokens.
    ///
    /// @param input what it read
    Mixture.Gate show(
            Kernels kernels,
            BlockBuffers buffers,
            DeviceBuffer input,
            DeviceBuffer logits,
            int n,
            ExpertChoices chosen) {
        int choices = routing.numExperts();
        int[] order = new int[n * choices];
        float[] byOrder = new float[n * choices];
        kernels.route(logits, n, routing.ofScores(), null, order, byOrder);
        float[] scores = new float[n * choices];
        for (int i = 0; i < scores.length; i++) {
            scores[i / choices * choices + order[i]] = byOrder[i];
        }
        return new Mixture.Gate(
                buffers.rows(input, n, alone.matrices()[0].cols()),
                buffers.rows(logits, n, choices),
                scores,
                correction,
                routing.numExpertsPerToken(),
                chosen.ids(),
                chosen.weights());
    }

    /// Chooses for the tokens of a pass, the rows of `x` `[n, hiddenSize]`; `choices` receive `[n, k]`.
    ///
    /// @param outs receive the logits `[n, numExperts]`, and those of the gate `[n]` if there is one
    void choose(Kernels kernels, Pass pass, DeviceBuffer x, DeviceBuffer[] outs, ExpertChoices choices) {
        choose(kernels, withGate, pass, x, outs, choices);
        if (factors != null) {
            multiply(factors, choices, pass.n());
        }
    }

    /// As [#choose], without a gate and without factors of experts, which no likelihood depends on.
    void guess(Kernels kernels, Pass pass, DeviceBuffer x, DeviceBuffer[] outs, ExpertChoices choices) {
        choose(kernels, alone, pass, x, outs, choices);
    }

    private void choose(
            Kernels kernels, RouterWeights by, Pass pass, DeviceBuffer x, DeviceBuffer[] outs, ExpertChoices choices) {
        int n = pass.n();
        if (byToken != null) {
            look(byToken, kernels, by, pass, x, outs, choices);
            return;
        }
        kernels.route(by, x, n, outs, choices);
        if (topP != null) {
            topP.keep(choices.ids(), choices.weights(), n);
            choices.chosenOnHost();
        }
        if (capacity != null) {
            capacity.limit(choices.ids(), choices.weights(), n, routing.numExpertsPerToken());
            choices.chosenOnHost();
        }
    }

    /// Multiplies the weights by factors of their experts, and puts the choices of each token in the new weights'
    /// order.
    private void multiply(float[] byExpert, ExpertChoices choices, int n) {
        int[] ids = choices.ids();
        float[] weights = choices.weights();
        int k = routing.numExpertsPerToken();
        for (int first = 0; first < n * k; first += k) {
            for (int i = first; i < first + k; i++) {
                int id = ids[i];
                float weight = id < 0 ? weights[i] : weights[i] * byExpert[id];
                int at = i;
                for (; at > first && weights[at - 1] < weight; at--) {
                    ids[at] = ids[at - 1];
                    weights[at] = weights[at - 1];
                }
                ids[at] = id;
                weights[at] = weight;
            }
        }
        choices.chosenOnHost();
    }

    /// Looks up what the tokens themselves say, and weighs that by logits.
    private void look(
            int[] experts,
            Kernels kernels,
            RouterWeights by,
            Pass pass,
            DeviceBuffer x,
            DeviceBuffer[] outs,
            ExpertChoices choices) {
        int n = pass.n();
        int k = routing.numExpertsPerToken();
        for (int i = 0; i < n; i++) {
            System.arraycopy(experts, pass.token(i) * ofToken, choices.ids(), i * k, k);
        }
        kernels.matmul(by.matrices(), x, n, outs);
        for (int i = 0; i < by.matrices().length; i++) {
            float @Nullable [] bias = by.biases()[i];
            if (bias != null) {
                kernels.addBias(outs[i], n, by.matrices()[i].rows(), bias);
            }
        }
        kernels.weigh(outs[0], n, routing, choices.ids(), choices.weights());
        choices.chosenOnHost();
    }
}
