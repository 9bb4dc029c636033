package io.moetier.runtime.offload;

import java.util.List;

/// How full a tier is, for reports.
///
/// @param slots that there are
/// @param filled slots that hold an expert
/// @param numExperts experts of the model that belong here
/// @param expertBytes bytes that slots for all of these would take
/// @param slotBytes bytes of the largest slot
/// @param budgetBytes bytes that the slots were allowed to take
/// @param numGivenBack slots that there are besides, whose memory is needed for something else now
public record ResidentSummary(
        Slots slots,
        Slots filled,
        int numExperts,
        long expertBytes,
        long slotBytes,
        long budgetBytes,
        int numGivenBack) {
    /// Some slots of a tier, and their bytes together.
    public record Slots(int number, long bytes) {
        Slots plus(Slots other) {
            return new Slots(number + other.number, bytes + other.bytes);
        }
    }

    static ResidentSummary of(List<? extends SlotClass> sizeClasses, long budgetBytes, int numGivenBack) {
        Slots slots = new Slots(0, 0);
        Slots filled = new Slots(0, 0);
        int numExperts = 0;
        long expertBytes = 0;
        long slotBytes = 0;
        for (SlotClass sizeClass : sizeClasses) {
            long bytes = sizeClass.slab().slotBytes();
            int numSlots = sizeClass.cache().numSlots();
            int numFilled = sizeClass.cache().numResident();
            slots = slots.plus(new Slots(numSlots, numSlots * bytes));
            filled = filled.plus(new Slots(numFilled, numFilled * bytes));
            numExperts += sizeClass.cache().numExperts();
            expertBytes += sizeClass.cache().numExperts() * bytes;
            slotBytes = Math.max(slotBytes, bytes);
        }
        return new ResidentSummary(slots, filled, numExperts, expertBytes, slotBytes, budgetBytes, numGivenBack);
    }

    /// Returns this and a tier for other experts together.
    ResidentSummary plus(ResidentSummary other) {
        return new ResidentSummary(
                slots.plus(other.slots),
                filled.plus(other.filled),
                numExperts + other.numExperts,
                expertBytes + other.expertBytes,
                Math.max(slotBytes, other.slotBytes),
                budgetBytes + other.budgetBytes,
                numGivenBack + other.numGivenBack);
    }
}
