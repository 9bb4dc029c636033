package io.moetier.lab.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.lab.throughput.Peaks.Bound;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class PeaksTest {
    private static final Peaks PEAKS =
            new Peaks(OptionalDouble.of(10), OptionalDouble.of(100), OptionalDouble.of(1), OptionalDouble.empty());

    @Test
    void theLongestBounds() {
        Work reading = new Work(50, 100, 2, 1000);
        assertEquals(5, PEAKS.seconds(reading));
        assertEquals(Optional.of(Bound.MEMORY), PEAKS.bound(reading));
        assertEquals(Optional.of(Bound.ARITHMETIC), PEAKS.bound(new Work(50, 1000, 2, 0)));
        assertEquals(Optional.of(Bound.DISK), PEAKS.bound(new Work(50, 100, 6, 0)));
        assertEquals(Optional.empty(), PEAKS.bound(new Work(0, 0, 0, 9))); // nobody knows how fast the link is
    }

    @Test
    void loadsGoOnBesideParts() {
        Parts parts = new Parts(Map.of());
        parts.add("attention", 3, new Work(10, 200, 0, 0));
        parts.add("experts", 4, new Work(30, 10, 0, 0));
        parts.add(Parts.WAITS, 1, new Work(0, 0, 4, 0));
        assertEquals(5, parts.bound(PEAKS));
        parts.add(Parts.WAITS, 0, new Work(0, 0, 4, 0));
        assertEquals(8, parts.bound(PEAKS));
        assertEquals(0.5, parts.share("experts"));
    }
}
