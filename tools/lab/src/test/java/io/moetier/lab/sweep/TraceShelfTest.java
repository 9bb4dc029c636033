package io.moetier.lab.sweep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.TaskException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceShelfTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void partsMakeATrace() throws IOException {
        byte[] content = content(1, 100);
        TraceId trace = id(content);
        try (TraceShelf shelf = new TraceShelf(folder, 1000)) {
            assertEquals(0, shelf.keep(trace, 0, new byte[0]));
            assertEquals(40, shelf.keep(trace, 0, Arrays.copyOf(content, 40)));
            assertTrue(shelf.lend(List.of(trace)).isEmpty());
            assertEquals(40, shelf.keep(trace, 0, Arrays.copyOf(content, 40)), "it is there");
            assertEquals(40, shelf.keep(trace, 60, Arrays.copyOfRange(content, 60, 100)), "it comes too early");
            assertEquals(100, shelf.keep(trace, 40, Arrays.copyOfRange(content, 40, 100)));
            assertEquals(100, shelf.keep(trace, 0, new byte[0]));
            try (TraceShelf.Loan loan = shelf.lend(List.of(trace)).orElseThrow()) {
                assertArrayEquals(content, Files.readAllBytes(loan.file(trace)));
            }
        }
        assertEquals(0, files());
    }

    @Test
    void aTraceThatIsNotWhatItsNameSaysIsNotKept() throws IOException {
        TraceId trace = id(content(1, 100));
        try (TraceShelf shelf = new TraceShelf(folder, 1000)) {
            assertThrows(TaskException.class, () -> shelf.keep(trace, 0, content(2, 100)));
            assertEquals(0, files());
            assertEquals(100, shelf.keep(trace, 0, content(1, 100)));
        }
    }

    @Test
    void theLeastRecentlyUsedMakesRoom() {
        List<TraceId> traces =
                Stream.of(1, 2, 3, 4).map(seed -> id(content(seed, 100))).toList();
        try (TraceShelf shelf = new TraceShelf(folder, 250)) {
            shelf.keep(traces.get(0), 0, content(1, 100));
            shelf.keep(traces.get(1), 0, content(2, 100));
            shelf.lend(List.of(traces.get(0))).orElseThrow().close();
            shelf.keep(traces.get(2), 0, content(3, 100));
            assertTrue(shelf.lend(List.of(traces.get(1))).isEmpty());
            try (TraceShelf.Loan loan =
                    shelf.lend(List.of(traces.get(0), traces.get(2))).orElseThrow()) {
                TaskException e =
                        assertThrows(TaskException.class, () -> shelf.keep(traces.get(3), 0, content(4, 100)));
                assertEquals(
                        "a trace of 100 B does not fit into the 250 B that traces may take, of which 200 B are being"
                                + " read",
                        e.getMessage());
                assertTrue(Files.exists(loan.file(traces.get(0))));
            }
            assertEquals(100, shelf.keep(traces.get(3), 0, content(4, 100)));
        }
    }

    @Test
    void whatAKilledNodeLeftIsCleared() throws IOException {
        Path left = Files.createFile(folder.resolve(".trace.moetier-0123456789abcdef.tmp"));
        try (TraceShelf one = new TraceShelf(folder, 1000);
                TraceShelf other = new TraceShelf(folder, 1000)) {
            assertTrue(Files.notExists(left));
            one.keep(id(content(1, 100)), 0, content(1, 100));
            other.keep(id(content(2, 100)), 0, content(2, 100));
            assertTrue(one.lend(List.of(id(content(1, 100)))).isPresent());
        }
    }

    private long files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }

    private static byte[] content(int seed, int bytes) {
        byte[] content = new byte[bytes];
        new Random(seed).nextBytes(content);
        return content;
    }

    private static TraceId id(byte[] content) {
        return TraceId.of(TraceId.digest().digest(content), content.length);
    }
}
