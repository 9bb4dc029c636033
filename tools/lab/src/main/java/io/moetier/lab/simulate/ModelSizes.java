package io.moetier.lab.simulate;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.offload.Misses;
import java.util.List;
import java.util.Optional;

/// What the weights of a trace's model take.
///
/// @param experts by layer, those of an encoder left out, as in traces
/// @param known whether the bytes are those of a model; if not, they count slots
/// @param denseBytes bytes of the weights outside the experts that every token reads, 0 if not known
/// @param traits what else counts of the model, if there is one
public record ModelSizes(SlotPlan.Sizes experts, boolean known, long denseBytes, Optional<CostModel.Traits> traits) {
    /// Returns the sizes of a model that is known by its headers.
    ///
    /// @param slotBytesOfLayer of one expert, by layer that has some, those of an encoder first
    /// @param allDenseBytes of all weights outside the experts
    public static ModelSizes of(
            ModelSpec spec, List<Long> slotBytesOfLayer, long allDenseBytes, Optional<CostModel.Traits> traits) {
        int ofEncoder = (int) spec.layers().subList(0, spec.encoderLayers()).stream()
                .flatMap(layer -> layer.blocks(MoeSpec.class))
                .count();
        List<Long> ofToken = slotBytesOfLayer.subList(
                ofEncoder, ofEncoder + spec.moeLayersOfToken().size());
        List<Long> bytes = ofToken.stream().distinct().sorted().toList();
        List<Integer> classOfLayer = ofToken.stream().map(bytes::indexOf).toList();
        long read = denseBytesRead(spec, allDenseBytes);
        return new ModelSizes(new SlotPlan.Sizes(classOfLayer, bytes), true, read, traits);
    }

    /// Returns what every token reads of them: not an embedding that is not the head as well, of which it needs
    /// one row.
    private static long denseBytesRead(ModelSpec spec, long bytes) {
        long idle = spec.tiedEmbeddings() ? 0 : spec.embedding().table().numParameters();
        double share = (double) (numParameters(spec.linearsOfToken()) - idle) / numParameters(spec.denseLinears());
        return Math.round(bytes * share);
    }

    private static long numParameters(List<LinearSpec> linears) {
        return linears.stream().mapToLong(LinearSpec::numParameters).sum();
    }

    /// Returns what decoding costs on a machine: what was measured, where the model is known, else bounds.
    ///
    /// @param misses what becomes of experts that the machine's device lacks
    public CostModel costs(MachineProfile machine, Misses misses, SlotPlan plan) {
        double workingSet = denseBytes + plan.bytes(experts);
        return traits.map(of -> CostModel.of(machine, misses, of, workingSet))
                .orElseGet(() -> CostModel.ofSpeeds(machine, misses));
    }
}
