package io.moetier.lab.simulate;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.offload.Misses;
import java.util.Optional;

/// What the weights of a trace's model take.
///
/// @param experts by layer
/// @param known whether the bytes are those of a model; if not, they count slots
/// @param denseBytes bytes of the weights outside the experts that every token reads, 0 if not known
/// @param traits what else counts of the model, if there is one
public record ModelSizes(SlotPlan.Sizes experts, boolean known, long denseBytes, Optional<CostModel.Traits> traits) {
    /// Returns what decoding costs on a machine: what was measured, where the model is known, else bounds.
    ///
    /// @param misses what becomes of experts that the machine's device lacks
    public CostModel costs(MachineProfile machine, Misses misses, SlotPlan plan) {
        double workingSet = denseBytes + plan.bytes(experts);
        return traits.map(of -> CostModel.of(machine, misses, of, workingSet))
                .orElseGet(() -> CostModel.ofSpeeds(machine, misses));
    }
}
