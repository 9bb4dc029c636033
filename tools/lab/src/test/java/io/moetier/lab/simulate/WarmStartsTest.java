package io.moetier.lab.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Phase;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WarmStartsTest {
    private static final int EXPERTS = 8;
    private static final int REQUESTS = 4;

    @TempDir
    Path directory = Path.of("");

    /// Each request has 40 tokens, each of which chooses two of the four experts from `first` on.
    private Path trace(String name, int first) {
        Path file = directory.resolve(name);
        TraceHeader header = TraceHeader.of("two kinds", EXPERTS, 2, List.of(0, 3), "");
        try (TraceRecorder recorder = new TraceRecorder(file, header)) {
            for (int i = 0; i < REQUESTS * 40; i++) {
                int[] chosen = {first + i % 4, first + (i + 1) % 4};
                recorder.record(new TraceToken(
                        i / 40,
                        i % 40,
                        OptionalInt.of(i),
                        Phase.DECODE,
                        new int[][] {chosen, chosen},
                        Optional.empty(),
                        Optional.empty()));
            }
            recorder.finish();
        }
        return file;
    }

    /// With room for half of the experts, requests of each kind find theirs from the first token on, or have to load
    /// four in each of two layers, of 128 choices.
    @Test
    void theRightProfileHasAllThatTheFirstTokensChoose() {
        WarmStarts starts = WarmStarts.read(List.of(trace("low", 0), trace("high", 4)));
        for (int kind = 0; kind < 2; kind++) {
            assertEquals(2, starts.numRequests(kind));
            assertEquals(1, starts.shareFoundByNearest(kind));
            WarmStarts.HitRates rates = starts.hitRates(kind, 0.5, Policies.of("lru"));
            assertEquals(1, rates.each().get(kind));
            assertEquals(1, rates.nearest());
            assertEquals(120 / 128.0, rates.each().get(1 - kind));
            assertEquals(120 / 128.0, rates.nothing());
            assertEquals(1, starts.hitRates(kind, 1, Policies.of("lru")).together());
        }
    }

    @Test
    void tracesOfDifferentExpertsAreNotCompared() {
        Path other = RandomTraces.write(directory.resolve("other"), 1, 20);
        Path low = trace("low", 0);
        assertThrows(MalformedModelException.class, () -> WarmStarts.read(List.of(low, other)));
        assertThrows(MalformedModelException.class, () -> WarmStarts.read(List.of(other)), "one request");
    }
}
