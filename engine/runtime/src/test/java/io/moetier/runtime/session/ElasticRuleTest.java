package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ElasticRuleTest {
    private static final long SLOT = 10;
    private static final long ALL = 1600;
    private static final long LOOK = 250_000_000L;

    private final ElasticRule rule = new ElasticRule();
    private long away;
    private long now;

    /// Looks once more, and does what is decided.
    private long look(long shortage, long room) {
        now += LOOK;
        long change = rule.change(shortage, room, away, SLOT, ALL, now);
        away += change;
        return change;
    }

    private long looksUntilTaken() {
        long looks = 1;
        while (look(0, ALL) == 0) {
            looks++;
        }
        return looks;
    }

    @Test
    void whatIsMissingIsGivenBackAtOnce() {
        assertEquals(37, look(37, 0));
        assertEquals(5, look(5, 0));
    }

    @Test
    void nothingIsTakenWhereNothingIsAway() {
        for (int i = 0; i < 100; i++) {
            assertEquals(0, look(0, ALL));
        }
    }

    @Test
    void whatIsAwayComesFasterAndFasterUntilAllIsThere() {
        look(800, 0);
        assertEquals(9, looksUntilTaken());
        assertEquals(-20, look(0, ALL));
        assertEquals(-40, look(0, ALL));
        assertEquals(-80, look(0, ALL));
        assertEquals(-100, look(0, ALL), "a sixteenth at most");
        while (away > 0) {
            assertTrue(look(0, ALL) < 0);
        }
        assertEquals(0, look(0, ALL));
    }

    @Test
    void aMomentWithoutRoomBeginsTheWaitAnew() {
        look(800, 0);
        for (int i = 0; i < 8; i++) {
            assertEquals(0, look(0, ALL));
        }
        assertEquals(0, look(0, SLOT - 1));
        assertEquals(9, looksUntilTaken());
    }

    @Test
    void noMoreIsTakenThanThereIsRoomFor() {
        look(800, 0);
        looksUntilTaken();
        assertEquals(-13, look(0, 13));
    }

    @Test
    void whatHadToGoAgainWaitsTwiceAsLongUpToAMinute() {
        look(800, 0);
        long expected = 8;
        for (int i = 0; i < 8; i++) {
            assertEquals(expected + 1, looksUntilTaken());
            look(SLOT, 0);
            expected = Math.min(2 * expected, 64 * 4);
        }
        assertEquals(64 * 4 + 1, looksUntilTaken());
    }

    @Test
    void afterTwoMinutesWithoutShortageTheWaitIsAsAtFirst() {
        look(800, 0);
        looksUntilTaken();
        look(SLOT, 0);
        for (int i = 0; i < 2 * 64 * 4; i++) {
            look(0, 0);
        }
        assertEquals(9, looksUntilTaken());
    }
}
