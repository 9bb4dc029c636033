package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A failure is told of the file that its user knows, with what helps against it and nothing that does not.
public class RemedyTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void aTokenizerThatWasBrokenFromTheStartIsTheUsersOwn() throws IOException {
        Path model = copyOfTiny();
        Path tokenizer = model.resolve("tokenizer.json");
        Files.writeString(tokenizer, Files.readString(tokenizer).replace("\"BPE\"", "\"no such kind\""));
        isOf(tokenizer, run(model));
    }

    @Test
    void aTemplateThatWasBrokenFromTheStartIsTheUsersOwn() throws IOException {
        Path model = copyOfTiny();
        Path template = model.resolve("chat_template.jinja");
        Files.writeString(template, "{% if %}{{");
        isOf(template, run(model));
    }

    @Test
    void whatWasMadeOfAGgufFileIsToldOfThatFile() throws IOException {
        Path gguf = new TinyGguf()
                .putWhole("tokenizer.ggml.model", "gpt2")
                .putWhole("tokenizer.ggml.pre", "gpt-2")
                .putWhole("tokenizer.ggml.tokens", List.of("a", "b", "c", "d", "e", "f", "g", "ab"))
                .putWhole("tokenizer.ggml.merges", List.of("a b"))
                .putWhole("tokenizer.chat_template", "{% if %}{{")
                .write(directory.resolve("m.gguf"));
        isOf(gguf, run(gguf));
    }

    @Test
    void aCopyThatWasDamagedLaterIsMadeAgain() throws IOException {
        Path model = copyOfTiny();
        assertEquals(Failure.OK, run(model).exitCode());
        Path copy = onlyStore().resolve("tokenizer.json");
        byte[] bytes = Files.readAllBytes(copy);
        bytes[bytes.length / 2] ^= 1;
        Files.write(copy, bytes);
        CommandLineRun repaired = run(model);
        assertEquals(Failure.OK, repaired.exitCode(), repaired.err());
        assertTrue(repaired.err().contains("importing " + model + " again"), repaired.err());
    }

    @Test
    void aFullDiskUnderTheCacheIsToldHowToMoveIt() {
        Path cache = directory.resolve("cache");
        IOException full = new IOException(cache.resolve("x") + ": cannot be written: No space left on device");
        assertEquals(
                full.getMessage() + "; MOETIER_CACHE names another folder for the cache",
                new Remedy(Optional.of(cache)).sentence(new UncheckedIOException(full)));
        IOException elsewhere = new IOException("/small/t.gz: cannot be written: No space left on device");
        assertEquals(elsewhere.getMessage(), new Remedy(Optional.of(cache)).sentence(elsewhere));
    }

    @Test
    void aCacheThatCannotBeWrittenIsToldHowToMoveIt() {
        Path cache = directory.resolve("cache");
        IOException refused =
                new IOException(cache.resolve("x") + ": no store can be made there: Read-only file system");
        assertEquals(
                refused.getMessage() + "; MOETIER_CACHE names another folder for the cache",
                new Remedy(Optional.of(cache)).sentence(new UncheckedIOException(refused)));
    }

    /// Also where it is the JVM that lacks them for files of its own.
    @Test
    void aLackOfFilesIsToldHowToHaveMore() {
        Remedy remedy = new Remedy(Optional.empty());
        IOException own = new FileSystemException("/jdk/java.security", null, "Too many open files");
        String helps = "Too many open files; a higher limit (ulimit -n) helps";
        assertEquals(helps, remedy.sentence(new InternalError("Error loading java.security file", own)));
        assertEquals(helps, remedy.sentence(new ExceptionInInitializerError(own)));
        assertEquals(
                "m.gguf: " + helps,
                remedy.sentence(
                        new UncheckedIOException(new FileSystemException("m.gguf", null, "Too many open files"))));
    }

    @Test
    void aLackOfThreadsIsToldHowToHaveMore() {
        assertEquals(
                "no thread can be started (unable to create native thread); "
                        + "a higher limit of threads and processes (ulimit -u, or a container's) helps",
                new Remedy(Optional.empty()).sentence(new OutOfMemoryError("unable to create native thread")));
    }

    private static void isOf(Path file, CommandLineRun run) {
        assertEquals(Failure.FAILED, run.exitCode());
        String said = run.err().lines().toList().getLast();
        assertTrue(said.startsWith("moetier: " + file + ": "), said);
        assertFalse(said.contains("moetier import"), said);
    }

    private CommandLineRun run(Path model) {
        return CommandLineRun.inProcess(directory.resolve("cache"), "run", model.toString(), "Hi", "-n", "1");
    }

    private Path copyOfTiny() throws IOException {
        Path copy = Files.createDirectory(directory.resolve("model"));
        for (String name : List.of(
                "config.json",
                "generation_config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json")) {
            Files.copy(TestData.tinyMixtral().resolve(name), copy.resolve(name));
        }
        return copy;
    }

    private Path onlyStore() throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("cache"), 2)) {
            return files.filter(file -> file.toString().endsWith(".mtier"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
