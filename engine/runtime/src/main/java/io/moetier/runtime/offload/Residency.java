package io.moetier.runtime.offload;

import io.moetier.storage.cache.PolicyFactory;

/// Which experts stay in a tier: as many as its budget has room for, chosen by a policy.
///
/// @param numExpertsPerToken that a layer needs at the same time, and that have slots whatever the budget
/// @param budgetBytes that slots take at most, divided over the size classes in proportion to their bytes
public record Residency(int numExpertsPerToken, long budgetBytes, PolicyFactory policy) {
    /// Returns what the budget is divided by for the experts of `source`.
    SlotBudget slotBudget(ExpertSource source) {
        return SlotBudget.of(source, numExpertsPerToken);
    }
}
