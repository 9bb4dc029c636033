package io.moetier.lab.plan;

import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.storage.memory.ByteSize;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// A model in one of the forms that it can have, known from its headers.
///
/// @param weights what its weights are, in words
/// @param sizes of the weights, as decoding reads them
/// @param memory the same, as memory holds them
public record PlannedModel(String weights, ModelSizes sizes, MemoryForecast.Model memory) {
    /// Returns what it computes.
    public ModelSpec spec() {
        return memory.spec();
    }

    /// Returns the bytes of all weights, as a store has them.
    public long bytes() {
        return memory.otherWeightBytes() + memory.slotBudget().allBytes();
    }

    /// Returns the layers with experts.
    public int layers() {
        return spec().moeLayers().size();
    }

    /// Returns the most experts that a layer has.
    public int experts() {
        return spec().moeLayers().stream().mapToInt(MoeSpec::numExperts).max().orElse(0);
    }

    /// Returns the experts of all layers.
    public int numExperts() {
        return numExperts(spec().moeLayers().stream());
    }

    private static int numExperts(Stream<MoeSpec> layers) {
        return layers.mapToInt(MoeSpec::numExperts).sum();
    }

    /// Returns the experts of the layers that a generated token goes through: all but those of an encoder.
    int expertsOfToken() {
        return numExperts(spec().moeLayersOfToken().stream());
    }

    /// Returns the most experts that a layer chooses for a token.
    public int topK() {
        return spec().mostExpertsPerToken();
    }

    /// Returns the layers that a prompt goes through: an encoder's, where there is one.
    List<LayerSpec> layersOfPrompt() {
        return spec().layers()
                .subList(0, spec().encoder().isPresent() ? spec().encoderLayers() : spec().numMainLayers());
    }

    /// Returns the mixtures of these.
    List<MoeSpec> moeLayersOfPrompt() {
        return layersOfPrompt().stream()
                .flatMap(layer -> layer.blocks(MoeSpec.class))
                .toList();
    }

    /// Returns the slots that a budget buys for the layers that a generated token goes through.
    SlotPlan slots(long budgetBytes) {
        SlotBudget budget = sizes.experts().budget(experts(), topK());
        long bytes = Math.max(budget.minimumBytes(), budgetBytes);
        return new SlotPlan(
                ByteSize.format(bytes),
                Arrays.stream(budget.slots(bytes)).boxed().toList());
    }

    /// Returns the weights of one expert.
    long weightsOfExpert() {
        return spec().moeLayers().stream()
                .mapToLong(moe -> moe.experts().getFirst().linears().stream()
                        .mapToLong(LinearSpec::numParameters)
                        .sum())
                .max()
                .orElse(0);
    }

    /// Returns the elements of all queries of a token in the widest layer; the width of the model where it has no
    /// attention of the usual kind.
    int queryWidth() {
        return spec().layers().stream()
                .flatMap(layer -> layer.blocks(AttentionSpec.class))
                .map(attention ->
                        attention.heads().numHeads() * attention.heads().headDim())
                .max(Integer::compare)
                .orElse(spec().hiddenSize());
    }

    /// Returns the weights that every token of a prompt is multiplied with, but for the experts; the head is for the
    /// last one alone, or for the decoder.
    long weightsOfOthers() {
        long head = spec().tiedEmbeddings() ? 0 : spec().head().linear().numParameters();
        return Math.max(
                0,
                spec().linearsOfPrompt().stream()
                                .mapToLong(LinearSpec::numParameters)
                                .sum()
                        - head
                        - spec().embedding().table().numParameters());
    }
}
