package io.moetier.runtime.offload;

import java.util.List;

/// How full a tier is, for reports.
///
/// @param numSlots experts that fit
/// @param numResident experts that are there now
/// @param numExperts experts of the model that belong here
/// @param slotBytes bytes of the largest slot
/// @param residentBytes bytes of the slots that hold one
/// @param slabBytes bytes of all slots
/// @param budgetBytes bytes that the slots were allowed to take
/// @param numGivenBack slots that there were besides, whose memory the device needed for something else
public record ResidentSummary(
        int numSlots,
        int numResident,
        int numExperts,
        long slotBytes,
        long residentBytes,
        long slabBytes,
        long budgetBytes,
        int numGivenBack) {
    static ResidentSummary of(
            List<? extends SlotClass> sizeClasses, int numExperts, long budgetBytes, int numGivenBack) {
        int slots = 0;
        int resident = 0;
        long slotBytes = 0;
        long residentBytes = 0;
        long slabBytes = 0;
        for (SlotClass sizeClass : sizeClasses) {
            int numSlots = sizeClass.cache().numSlots();
            slots += numSlots;
            resident += sizeClass.cache().numResident();
            slotBytes = Math.max(slotBytes, sizeClass.slab().slotBytes());
            residentBytes += sizeClass.cache().numResident() * sizeClass.slab().slotBytes();
            slabBytes += numSlots * sizeClass.slab().slotBytes();
        }
        return new ResidentSummary(
                slots, resident, numExperts, slotBytes, residentBytes, slabBytes, budgetBytes, numGivenBack);
    }

    /// Returns this and a tier for other experts together.
    ResidentSummary plus(ResidentSummary other) {
        return new ResidentSummary(
                numSlots + other.numSlots,
                numResident + other.numResident,
                numExperts + other.numExperts,
                Math.max(slotBytes, other.slotBytes),
                residentBytes + other.residentBytes,
                slabBytes + other.slabBytes,
                budgetBytes + other.budgetBytes,
                numGivenBack + other.numGivenBack);
    }
}
