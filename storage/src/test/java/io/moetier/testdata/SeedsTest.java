package io.moetier.testdata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SeedsTest {
    @Test
    void triesTheSameNumbersInEachRun() {
        assertEquals(drawn(), drawn());
        assertEquals(100, drawn().stream().distinct().count());
    }

    private static List<Long> drawn() {
        List<Long> numbers = new ArrayList<>();
        Seeds.each(0, 100, (_, random) -> numbers.add(random.nextLong()));
        return numbers;
    }

    @Test
    void namesTheSeedThatFails() {
        AssertionError failure = assertThrows(
                AssertionError.class, () -> Seeds.each(0, 100, (seed, _) -> assertTrue(seed < 7, "too high")));
        assertEquals(
                "at seed 7, which -Dmoetier.seed=7 tries alone: org.opentest4j.AssertionFailedError: too high ==>"
                        + " expected: <true> but was: <false>",
                failure.getMessage());
    }
}
