package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What killed commands leave is cleared by the next command that looks into the folder, which says so.
class TidyingTest {
    private static final String NUMBER = "0123abcd-0123-4567-89ab-0123456789ab";
    private static final String SAID = "removed 1000 B that a killed command left in ";

    @TempDir
    Path directory = Path.of("");

    private Path folder = Path.of("");
    private Path cache = Path.of("");
    private Path store = Path.of("");

    @BeforeEach
    void make() throws IOException {
        folder = Files.createDirectory(directory.resolve("folder"));
        cache = Files.createDirectory(directory.resolve("cache"));
        store = folder.resolve("tiny.mtier");
        ok("import", TestData.tinyMixtral().toString(), "--out", store.toString());
    }

    @Test
    void everyCommandClearsTheFolderOfItsStore() throws IOException {
        List<String[]> commands = List.of(
                new String[] {"inspect", store.toString()},
                new String[] {"verify", store.toString()},
                new String[] {"run", store.toString(), "--ids", "1,5", "-n", "1", "--profile", "none"},
                new String[] {"import", TestData.tinyMixtral().toString(), "--out", store.toString(), "--force"});
        for (String[] command : commands) {
            Path dead = leave(folder, "other");
            String said = ok(command).err();
            assertTrue(said.contains(SAID + folder + "\n"), said);
            assertFalse(Files.exists(dead));
            assertEquals(List.of("tiny.mtier"), names(folder));
        }
    }

    @Test
    void everyCommandThatOpensTheCacheClearsAllOfIt() throws IOException {
        Path others = Files.createDirectory(cache.resolve("olmoe-0123abcd"));
        leave(others, "1234-keep");
        leave(cache, "scratch-" + NUMBER);
        Files.createSymbolicLink(cache.resolve("link"), directory.resolve("beyond"));
        Path beyond = leave(Files.createDirectory(directory.resolve("beyond")), "other");
        String said = ok("verify", store.toString()).err();
        assertTrue(said.contains("removed 1.95 KiB that a killed command left in " + cache + "\n"), said);
        assertEquals(List.of(), names(others));
        assertTrue(Files.exists(beyond), "what a link in the cache leads to is no part of it");
    }

    @Test
    void whatALivingImportWritesStays() throws IOException {
        try (ExpertStoreWriter other = ExpertStoreWriter.create(folder.resolve("other.mtier"), false)) {
            Files.write(other.directory().resolve("dense.safetensors"), new byte[1000]);
            assertEquals("", ok("inspect", store.toString()).err());
            assertTrue(Files.exists(other.directory().resolve("dense.safetensors")));
        }
    }

    @Test
    void aKilledRecordingGoesWithTheNextFileThatIsWrittenThere() throws IOException {
        Path dead = Files.writeString(folder.resolve(".t.gz.moetier-0123456789abcdef.tmp"), "half");
        ok(
                "trace",
                "record",
                store.toString(),
                "--ids",
                "1,5",
                "-n",
                "1",
                "-o",
                folder.resolve("u.gz").toString());
        assertFalse(Files.exists(dead));
        assertEquals(List.of("tiny.mtier", "u.gz"), names(folder));
    }

    /// With no file may anything be written, as on a disk that is full.
    @ParameterizedTest
    @ValueSource(strings = {"trace record", "logits"})
    void anOutputThatFailsIsNamedAndLeavesNothing(String command) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        String full = "{ ulimit -f 0; exec \"$0\" \"$@\"; } 2>&1 | cat";
        String out = folder.resolve("out.gz").toString();
        List<String> launcher = List.of("env", "MOETIER_CACHE=" + cache, "sh", "-c", full);
        List<String> options = List.of("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData");
        String arguments = command + " " + store + " --ids 1,5 --out " + out;
        CommandLineRun.await(log, launcher, options, arguments.split(" "));
        String said = Files.readString(log);
        assertTrue(said.contains("moetier: " + out + ": cannot be written: "), said);
        assertEquals(List.of("tiny.mtier"), names(folder));
    }

    private static Path leave(Path parent, String name) throws IOException {
        Path dead = Files.createDirectory(parent.resolve("." + name + ".mtier.importing-" + NUMBER));
        Files.write(dead.resolve("experts-0.cm3"), new byte[1000]);
        Files.createFile(parent.resolve("." + name + ".mtier.lock"));
        return dead;
    }

    private CommandLineRun ok(String... command) {
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run;
    }

    private static List<String> names(Path parent) throws IOException {
        try (Stream<Path> files = Files.list(parent)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
