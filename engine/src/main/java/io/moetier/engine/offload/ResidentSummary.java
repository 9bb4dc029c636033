package io.moetier.engine.offload;

/// How full a tier is, for reports.
///
/// @param numSlots experts that fit
/// @param numResident experts that are there now
/// @param numExperts experts of the model
/// @param slotBytes bytes of the largest slot
/// @param residentBytes bytes of the slots that hold one
/// @param slabBytes bytes of all slots
/// @param budgetBytes bytes that the slots were allowed to take
public record ResidentSummary(
        int numSlots,
        int numResident,
        int numExperts,
        long slotBytes,
        long residentBytes,
        long slabBytes,
        long budgetBytes) {}
