package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A damaged store is detected and named, and never gives a wrong token.
class DamagedStoreTest {
    private static final int FLIPS_PER_FILE = 6;
    private static final long SEED = Long.getLong("seed", 20261125L);

    @TempDir
    static Path directory;

    private static Path store;
    private static String expected;

    @BeforeAll
    static void importModel() {
        store = directory.resolve("tiny.mtier");
        CommandLineRun imported = run("import", TestData.tinyMixtral().toString(), "--out", store.toString());
        assertEquals(0, imported.exitCode(), imported::err);
        CommandLineRun whole = greedy();
        assertEquals(0, whole.exitCode(), whole::err);
        expected = whole.out();
    }

    @Test
    void aFlippedBitInAnyFileIsNamedAndChangesNoToken() throws IOException {
        Random random = new Random(SEED);
        for (Path file : files()) {
            for (int i = 0; i < FLIPS_PER_FILE; i++) {
                long bit = random.nextLong(8 * Files.size(file));
                String where = "seed " + SEED + ", " + file.getFileName() + ", bit " + bit;
                flip(file, bit);
                try {
                    CommandLineRun verify = run("verify", store.toString());
                    assertEquals(1, verify.exitCode(), where);
                    String said = verify.out() + verify.err();
                    assertTrue(said.contains(String.valueOf(file.getFileName())), () -> where + ": " + said);
                    CommandLineRun run = greedy();
                    if (run.exitCode() == 0) {
                        assertEquals(expected, run.out(), where); // the bit lies in an expert that was not needed
                    } else {
                        assertEquals(1, run.exitCode(), where);
                        assertTrue(expected.startsWith(run.out()), () -> where + ": " + run.out());
                        assertTrue(run.err().contains(String.valueOf(file.getFileName())), () -> where + run.err());
                        assertEquals(1, run.err().strip().lines().count(), () -> where + ": " + run.err());
                    }
                } finally {
                    flip(file, bit);
                }
            }
        }
        assertEquals(0, run("verify", store.toString()).exitCode());
    }

    @Test
    void aTruncatedFileIsNamed() throws IOException {
        for (Path file : files()) {
            byte[] whole = Files.readAllBytes(file);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(whole.length / 2);
            }
            try {
                for (CommandLineRun run : List.of(run("verify", store.toString()), greedy())) {
                    assertEquals(1, run.exitCode(), file.toString());
                    String said = run.out() + run.err();
                    assertTrue(said.contains(String.valueOf(file.getFileName())), said);
                }
            } finally {
                Files.write(file, whole);
            }
        }
    }

    @Test
    void aForeignFileIsNoStore() throws IOException {
        Path foreign = Files.createDirectories(directory.resolve("foreign.mtier"));
        Files.writeString(foreign.resolve("manifest.json"), "{\"format\":\"something else\"}");
        for (CommandLineRun run : List.of(run("verify", foreign.toString()), run("run", foreign.toString(), "x"))) {
            assertEquals(1, run.exitCode());
            assertTrue((run.out() + run.err()).contains("manifest.json"), run.out() + run.err());
        }
    }

    private static CommandLineRun greedy() {
        return run(
                "run",
                store.toString(),
                "--device",
                "cpu",
                "--ids",
                "1,5,9,77",
                "--temp",
                "0",
                "-n",
                "8",
                "--ctx",
                "64");
    }

    private static CommandLineRun run(String... args) {
        return CommandLineRun.inProcess(directory, args);
    }

    private static List<Path> files() {
        try (Stream<Path> files = Files.list(store)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void flip(Path file, long bit) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, bit / 8);
            one.put(0, (byte) (one.get(0) ^ 1 << bit % 8)).flip();
            channel.write(one, bit / 8);
        }
    }
}
