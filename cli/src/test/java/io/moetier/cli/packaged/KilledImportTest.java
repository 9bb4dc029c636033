package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An import that is killed at any moment leaves the old store as it was, and the next import completes.
class KilledImportTest {
    private static final int KILLS = 50;
    private static final long SEED = Long.getLong("seed", 20261125L);

    @TempDir
    Path directory;

    @TempDir
    Path cache;

    @Test
    void theOldStoreRunsAndTheNextImportCompletes() throws IOException, InterruptedException {
        String checkpoint = TestData.tinyMixtral().toString();
        Path store = directory.resolve("tiny.mtier");
        String[] importing = {"import", checkpoint, "--out", store.toString(), "--force"};
        Path log = directory.resolve("log");

        long begin = System.nanoTime();
        assertEquals(0, CommandLineRun.await(log, List.of(), importing), () -> read(log));
        long wholeNanos = System.nanoTime() - begin;
        String expected = greedy(store);

        Random random = new Random(SEED);
        int killed = 0;
        int completed = 0;
        while (killed < KILLS) {
            long start = System.nanoTime();
            boolean ended;
            try (ChildProcess child = CommandLineRun.start(log, importing)) {
                ended = child.process().waitFor(random.nextLong(wholeNanos), TimeUnit.NANOSECONDS);
                if (ended) { // the machine is faster now than when a whole import was timed
                    wholeNanos = System.nanoTime() - start;
                }
            }
            killed += ended ? 0 : 1;
            completed += ended ? 1 : 0;
            int round = killed;
            assertEquals(expected, greedy(store), () -> "seed " + SEED + ", kill " + round);
            assertTrue(completed <= KILLS, "imports end before they can be killed");
        }

        assertEquals(0, CommandLineRun.await(log, List.of(), importing), () -> read(log));
        CommandLineRun verify = CommandLineRun.inProcess(cache, "verify", store.toString());
        assertEquals(0, verify.exitCode(), verify::err);
        assertEquals(expected, greedy(store));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(log, store), left.sorted().toList());
        }
    }

    private String greedy(Path store) {
        CommandLineRun run = CommandLineRun.inProcess(
                cache, "run", store.toString(), "--ids", "1,5,9", "--temp", "0", "-n", "4", "--ctx", "64");
        assertEquals(0, run.exitCode(), run::err);
        return run.out();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
