package io.moetier.lab.foreign;

import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/// What one token chose, by the layer's number in the model; a layer that was not recorded is missing.
record ForeignToken(int request, int position, Phase phase, SortedMap<Integer, Choice> choices) {
    /// Returns this as a token of a trace that lists `layers`. Weights and tiers are there if all choices have them.
    TraceToken toToken(List<Integer> layers) {
        int[][] experts = new int[layers.size()][];
        float[][] weights = new float[layers.size()][];
        Tier[][] tiers = new Tier[layers.size()][];
        for (int i = 0; i < experts.length; i++) {
            Choice choice = choices.getOrDefault(layers.get(i), Choice.NONE);
            experts[i] = choice.experts();
            weights[i] = choice.weights();
            tiers[i] = choice.tiers();
        }
        boolean weighted = choices.values().stream().allMatch(Choice::isWeighted);
        boolean tiered = choices.values().stream().allMatch(Choice::isTiered);
        return new TraceToken(
                request,
                position,
                phase,
                experts,
                weighted ? Optional.of(weights) : Optional.empty(),
                tiered ? Optional.of(tiers) : Optional.empty());
    }
}
