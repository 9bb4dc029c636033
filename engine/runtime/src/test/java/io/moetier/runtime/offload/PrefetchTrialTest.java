package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PrefetchTrialTest {
    private static final int DECIDED = 32 + 8 * 16;

    private static PrefetchTrial afterTokens(PrefetchChoice choice, long nanosWith, long nanosWithout) {
        PrefetchTrial trial = new PrefetchTrial(choice, false);
        for (int token = 0; token < DECIDED; token++) {
            assertEquals("", trial.verdict());
            trial.onToken(token < 32 ? 1_000_000_000 : trial.isOn() ? nanosWith : nanosWithout);
        }
        return trial;
    }

    @Test
    void staysOnWhereItSavesTime() {
        PrefetchTrial trial = afterTokens(PrefetchChoice.AUTO, 9_000_000, 10_000_000);
        assertTrue(trial.isOn());
        assertEquals("on: a token took 9.00 ms with it, 10.00 ms without", trial.verdict());
        trial.onToken(99_000_000);
        assertTrue(trial.isOn());
    }

    @Test
    void goesOffWhereItDoesNot() {
        PrefetchTrial trial = afterTokens(PrefetchChoice.AUTO, 9_900_000, 10_000_000);
        assertFalse(trial.isOn());
        assertTrue(trial.isOnForPrompts());
        assertEquals("off: a token took 9.90 ms with it, 10.00 ms without", trial.verdict());
    }

    @Test
    void bothSidesGetEquallyManyTokens() {
        PrefetchTrial trial = new PrefetchTrial(PrefetchChoice.AUTO, false);
        int on = 0;
        for (int token = 0; token < DECIDED; token++) {
            on += token >= 32 && trial.isOn() ? 1 : 0;
            trial.onToken(1);
        }
        assertEquals((DECIDED - 32) / 2, on);
    }

    @Test
    void isNotHeldWhereTheUserHasChosen() {
        PrefetchTrial on = new PrefetchTrial(PrefetchChoice.ON, false);
        PrefetchTrial off = new PrefetchTrial(PrefetchChoice.OFF, false);
        for (int token = 0; token < 2 * DECIDED; token++) {
            on.onToken(token);
            off.onToken(token);
            assertTrue(on.isOn());
            assertFalse(off.isOn());
        }
        assertFalse(off.isOnForPrompts());
        assertEquals("", on.verdict() + off.verdict());
    }

    @Test
    void nothingIsTriedForTokensWhereEverythingFits() {
        PrefetchTrial trial = new PrefetchTrial(PrefetchChoice.AUTO, true);
        assertFalse(trial.isOn());
        assertTrue(trial.isOnForPrompts());
        assertFalse(new PrefetchTrial(PrefetchChoice.OFF, true).isOnForPrompts());
        assertTrue(new PrefetchTrial(PrefetchChoice.ON, true).isOn());
    }
}
