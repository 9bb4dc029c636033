package io.moetier.lab.throughput;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThroughputTest {
    @TempDir
    Path directory = Path.of("");

    private static Throughput some() {
        Parts parts = new Parts(Map.of());
        parts.add("attention", 1e-3, new Work(100, 200, 0, 0));
        parts.add(Parts.WAITS, 2e-3, new Work(0, 0, 300, 0));
        Peaks peaks = new Peaks(
                OptionalDouble.of(1e9), OptionalDouble.of(1e10), OptionalDouble.of(1e8), OptionalDouble.empty());
        Samples samples = new Samples(List.of(new long[] {3_000_000, 3_100_000}, new long[] {2_900_000, 3_000_000}));
        Case of = new Case(Phase.DECODE, 2, 8, "25%", 1, 0.01);
        return new Throughput("m", "d", List.of(new Measured(of, samples, parts, peaks, Optional.of(3), 0.5, 1e-5)));
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        Throughput written = some();
        Throughput read = read(Json.write(written.fields()));
        assertEquals("m", read.model());
        assertEquals("d", read.device());
        Measured before = written.cases().getFirst();
        Measured after = read.cases().getFirst();
        assertEquals(before.of(), after.of());
        assertEquals(before.parts(), after.parts());
        assertEquals(before.peaks(), after.peaks());
        assertEquals(before.warmUp(), after.warmUp());
        assertEquals(before.hitRate(), after.hitRate());
        assertEquals(before.queueSeconds(), after.queueSeconds());
        assertArrayEquals(
                before.samples().rounds().toArray(), after.samples().rounds().toArray());
        assertEquals(before.tokensPerSecond(), after.tokensPerSecond());
        assertEquals("disk", after.bound()); // what it waits for
    }

    @Test
    void anotherVersionIsRefusedInASentence() {
        String text = Json.write(some().fields());
        MalformedModelException refused = assertThrows(
                MalformedModelException.class, () -> read(text.replace(Throughput.FORMAT, "moetier-throughput/2")));
        assertTrue(
                String.valueOf(refused.getMessage()).contains("expected moetier-throughput/1"),
                () -> "" + refused.getMessage());
    }

    @Test
    void timesThatCannotBeAreRefused() {
        String text = Json.write(some().fields());
        for (String wrong : List.of("[3000000,0,1,1]", "[1,2,3]", "[]", "[-1,2]")) {
            assertThrows(
                    MalformedModelException.class,
                    () -> read(text.replaceFirst("\"nanos\":\\[[^]]*]", "\"nanos\":" + wrong)),
                    wrong);
        }
    }

    private Throughput read(String text) throws IOException {
        return Throughput.read(Files.writeString(directory.resolve("a.json"), text));
    }
}
