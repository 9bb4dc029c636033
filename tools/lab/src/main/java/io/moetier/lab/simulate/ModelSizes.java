package io.moetier.lab.simulate;

import io.moetier.lab.cost.CostModel;
import java.util.Optional;

/// What the weights of a trace's model take.
///
/// @param experts by layer
/// @param known whether the bytes are those of a model; if not, they count slots
/// @param denseBytes bytes of the weights outside the experts that every token reads, 0 if not known
/// @param traits what else counts of the model, if there is one
public record ModelSizes(SlotPlan.Sizes experts, boolean known, long denseBytes, Optional<CostModel.Traits> traits) {}
