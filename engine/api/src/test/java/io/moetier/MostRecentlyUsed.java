package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.IntPredicate;

/// A policy that is about as bad as one can be, and checks what it is told.
final class MostRecentlyUsed implements EvictionPolicy {
    private final Slots slots;
    private final long[] lastUse;
    private final boolean[] resident;
    private long now;
    private int numResident;
    int numChoices;
    int numHits;
    int numVictims;

    MostRecentlyUsed(Slots slots) {
        this.slots = slots;
        lastUse = new long[slots.experts().size()];
        resident = new boolean[lastUse.length];
    }

    Slots slots() {
        return slots;
    }

    @Override
    public void onChoice(int[] experts, float[] weights, int count) {
        numChoices++;
        int layer = slots.experts().get(experts[0]).layer();
        for (int i = 0; i < count; i++) {
            assertEquals(layer, slots.experts().get(experts[i]).layer());
            assertTrue(weights[i] > 0);
        }
    }

    @Override
    public void onAccess(int expert, boolean found) {
        assertEquals(resident[expert], found);
        lastUse[expert] = ++now;
        numHits += found ? 1 : 0;
    }

    @Override
    public void onEntry(int expert) {
        assertFalse(resident[expert]);
        resident[expert] = true;
        assertTrue(++numResident <= slots.count());
    }

    @Override
    public void onExit(int expert) {
        assertTrue(resident[expert]);
        resident[expert] = false;
        numResident--;
    }

    @Override
    public int victim(int newcomer, IntPredicate mayLeave) {
        numVictims++;
        assertFalse(resident[newcomer]);
        assertFalse(mayLeave.test(newcomer));
        int victim = -1;
        for (int expert = 0; expert < resident.length; expert++) {
            if (mayLeave.test(expert) && (victim < 0 || lastUse[expert] > lastUse[victim])) {
                victim = expert;
            }
        }
        return victim;
    }
}
