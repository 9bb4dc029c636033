package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.Moetier;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of a checkpoint that is run without having been imported.
class FirstUseTest {
    private static final Set<String> OTHERS = Set.of("census", "kernels");

    @TempDir
    Path directory = Path.of("");

    private Path checkpoint = Path.of("");

    @BeforeEach
    void copyCheckpoint() throws IOException {
        checkpoint = Files.createDirectory(directory.resolve("model"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(TestData.golden("mixtral").resolve(name), checkpoint.resolve(name));
        }
    }

    @Test
    void whatWasNeverImportedCannotBeVerified() {
        CommandLineRun verify = CommandLineRun.inProcess(directory, "verify", checkpoint.toString());
        assertEquals(1, verify.exitCode());
        assertEquals(
                "moetier: " + checkpoint + " has not been imported yet; run or import it first",
                verify.err().strip());
    }

    @Test
    void optionsThatDoNotFitAreRefusedBeforeTheImport() throws IOException {
        int mostThreads = 4 * Runtime.getRuntime().availableProcessors();
        refused("--policy must be one of auto, " + Policies.describe() + ", not mru", "--policy", "mru");
        refused("--census: expected a routing trace for the policy static", "--policy", "static");
        refused("--ram: a budget of 1 byte is too small", "--ram", "1");
        refused("--ctx: 1000000 is more than the ", "--ctx", "1000000");
        refused("--threads must be at most " + mostThreads + ", 4 for each processor", "--threads", "100000");
        CommandLineRun text = run("run", checkpoint.toString(), "Once");
        assertEquals(Failure.USAGE, text.exitCode());
        assertTrue(text.err().startsWith("moetier: " + checkpoint + " has no tokenizer"), text.err());
        CommandLineRun census = ids("--policy", "static", "--census", "/nowhere");
        assertEquals(Failure.FAILED, census.exitCode(), census.err());
        assertFalse(Files.exists(cache()));
    }

    @Test
    void optionsThatDoNotFitAStoreAreRefusedToo() {
        ok(ids());
        refused("--ram: a budget of 1 byte is too small", "--ram", "1");
        refused("--ctx: 1000000 is more than the ", "--ctx", "1000000");
    }

    @Test
    void eachRunCountsAsUse() throws IOException {
        ok(ids());
        Path folder = folder();
        FileTime longAgo = FileTime.fromMillis(1000);
        Files.setLastModifiedTime(folder, longAgo);
        ok(ids());
        assertTrue(Files.getLastModifiedTime(folder).compareTo(longAgo) > 0);
    }

    @Test
    void whatAKilledImportLeftIsClearedAway() throws IOException {
        ok(ids());
        Path store = store();
        Path dead = Files.createDirectory(
                store.resolveSibling(".0123-keep.mtier.importing-0123abcd-0123-4567-89ab-0123456789ab"));
        Files.writeString(dead.resolve("experts-0.cm3"), "half");
        Files.writeString(store.resolveSibling(".0123-keep.mtier.lock"), "");
        Files.writeString(
                checkpoint.resolve("config.json"), Files.readString(checkpoint.resolve("config.json")) + "\n");
        ok(ids());
        assertFalse(Files.exists(store));
        store(); // is alone
    }

    @Test
    void anotherImportIsWaitedForAndItsStoreUsed() throws Exception {
        String expected = ok(ids()).out();
        Path store = store();
        Path whole = Files.move(store, directory.resolve("whole.mtier"));
        StringWriter err = new StringWriter();
        CompletableFuture<Integer> waiting;
        try (ExpertStoreWriter other = ExpertStoreWriter.create(store, false)) {
            waiting = CompletableFuture.supplyAsync(() -> {
                Streams streams = new Streams(
                        new ByteArrayInputStream(new byte[0]),
                        new PrintWriter(new StringWriter()),
                        new PrintWriter(err));
                Map<String, String> variables = Map.of("MOETIER_CACHE", cache().toString());
                return Moetier.execute(new Surroundings(variables, directory, ""), streams, idsArguments());
            });
            while (!err.toString().contains("\n") && !waiting.isDone()) {
                Thread.sleep(10);
            }
            assertEquals("waiting for another import of " + checkpoint + "\n", err.toString());
            Files.move(whole, store);
            assertTrue(Files.exists(other.directory()));
        }
        assertEquals(Failure.OK, waiting.get(), err::toString);
        assertFalse(err.toString().contains("importing"), err.toString());
        assertEquals(expected, ok(ids()).out());
    }

    @Test
    void aStoreThatIsDamagedWhenItIsOpenedIsMadeAgain() throws IOException {
        String expected = ok(ids()).out();
        for (String name : List.of("manifest.json", "config.json", "dense.safetensors")) {
            Path file = store().resolve(name);
            flip(file, Files.size(file) / 2);
            CommandLineRun again = ok(ids());
            assertEquals(expected, again.out());
            assertTrue(again.err().startsWith(file + ": "), again.err());
            assertTrue(again.err().contains("; importing " + checkpoint + " again ("), again.err());
            ok(run("verify", checkpoint.toString()));
        }
    }

    @Test
    void aStoreThatTheSystemDoesNotGiveIsNotMadeAgain() throws IOException {
        String expected = ok(ids()).out();
        Path manifest = store().resolve("manifest.json");
        Path aside = Files.move(manifest, directory.resolve("aside"));
        Files.createSymbolicLink(manifest, manifest); // refused to everybody, as a file without permission is to some
        CommandLineRun refused = ids();
        assertEquals(Failure.FAILED, refused.exitCode());
        assertTrue(refused.err().startsWith("moetier: " + manifest + ": cannot be read: "), refused.err());
        assertEquals(1, refused.err().lines().count(), refused.err());
        Files.move(aside, manifest, StandardCopyOption.REPLACE_EXISTING);
        assertEquals(expected, ok(ids()).out());
    }

    @Test
    void aFailureNamesTheCommandThatRepairsADamagedExpert() throws IOException {
        String expected = ok(ids()).out();
        Path store = store();
        for (StoreManifest.Entry expert : StoreManifest.read(store).experts()) {
            flip(store.resolve("experts-0.cm3"), expert.offset());
        }
        for (String[] arguments : List.of(idsArguments(), new String[] {"verify", checkpoint.toString()})) {
            CommandLineRun damaged = run(arguments);
            assertEquals(Failure.FAILED, damaged.exitCode());
            String last = damaged.err().lines().toList().getLast();
            assertTrue(last.endsWith("` to make it again"), last);
            if (arguments[0].equals("verify")) {
                List<String> command =
                        new ArrayList<>(Arrays.asList(last.substring(last.indexOf('`') + 1, last.lastIndexOf('`'))
                                .split(" ", -1)));
                assertEquals("moetier", command.removeFirst());
                ok(run(command.toArray(String[]::new)));
            }
        }
        assertEquals(expected, ok(ids()).out());
        ok(run("verify", checkpoint.toString()));
    }

    @Test
    void aSymbolicLinkLeadsToTheSameStore() throws IOException {
        ok(ids());
        Path link = Files.createSymbolicLink(directory.resolve("link"), checkpoint);
        CommandLineRun linked = ok(run("run", link.toString(), "--ids", "1,5", "-n", "1"));
        assertFalse(linked.err().contains("importing"), linked.err());
    }

    @Test
    void whatIsNoModelIsCalledWhatItIs() throws IOException {
        Path plain = Files.createDirectory(directory.resolve("plain"));
        assertEquals(
                "moetier: " + plain + ": expected a checkpoint with config.json, found a directory without it\n",
                run("verify", plain.toString()).err());
        Path file = Files.writeString(plain.resolve("letter.txt"), "dear");
        assertTrue(run("verify", file.toString()).err().endsWith("found a file of another kind\n"));
    }

    private void refused(String sentence, String... options) {
        CommandLineRun refused = ids(options);
        assertEquals(Failure.USAGE, refused.exitCode(), refused.err());
        assertTrue(refused.err().startsWith("moetier: " + sentence), refused.err());
        assertEquals(1, refused.err().lines().count(), refused.err());
    }

    private CommandLineRun ids(String... options) {
        return run(Stream.concat(Stream.of(idsArguments()), Stream.of(options)).toArray(String[]::new));
    }

    private String[] idsArguments() {
        return new String[] {"run", checkpoint.toString(), "--ids", "1,5", "-n", "2", "--temp", "0"};
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(cache(), arguments);
    }

    private static CommandLineRun ok(CommandLineRun run) {
        assertEquals(Failure.OK, run.exitCode(), run::err);
        return run;
    }

    private Path cache() {
        return directory.resolve("cache");
    }

    /// Returns the only store in the cache.
    private Path store() throws IOException {
        return only(folder());
    }

    /// Returns the only folder of a model in the cache, which holds other things as well.
    private Path folder() throws IOException {
        try (Stream<Path> files = Files.list(cache())) {
            List<Path> found = files.filter(file -> !OTHERS.contains(String.valueOf(file.getFileName())))
                    .toList();
            assertEquals(1, found.size(), found::toString);
            return found.getFirst();
        }
    }

    private static Path only(Path parent) throws IOException {
        try (Stream<Path> files = Files.list(parent)) {
            List<Path> found = files.toList();
            assertEquals(1, found.size(), found::toString);
            return found.getFirst();
        }
    }

    private static void flip(Path path, long offset) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(offset);
            int found = file.read();
            file.seek(offset);
            file.write(found ^ 1);
        }
    }
}
