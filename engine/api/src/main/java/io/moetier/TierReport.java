package io.moetier;

/// How full one tier of experts is.
///
/// @param name `memory`, or `device` and a number
/// @param experts of the model that belong here
/// @param slots experts that fit
/// @param resident experts that are there now
/// @param slotBytes bytes of all slots
public record TierReport(String name, int experts, int slots, int resident, long slotBytes) {}
