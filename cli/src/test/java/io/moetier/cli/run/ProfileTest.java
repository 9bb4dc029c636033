package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfileTest {
    private static final String TINY = TestData.tinyMixtral().toString();

    @TempDir
    Path cache = Path.of("");

    @Test
    void aRunStartsWithWhatTheLastOneChose() throws IOException {
        double cold = hitRate();
        Path census = only();
        assertTrue(census.toString().endsWith(".default.census.json"), census.toString());
        double tokens = Json.readObject(census).requireDouble("tokens");
        double warm = hitRate();
        assertTrue(warm > cold, () -> warm + " after " + cold);
        assertEquals(only(), census);
        assertTrue(Json.readObject(census).requireDouble("tokens") > tokens);
    }

    @Test
    void profilesKnowNothingOfEachOther() throws IOException {
        double cold = hitRate();
        assertEquals(cold, hitRate("--profile", "work"));
        assertEquals(2, files().size());
    }

    /// Which profile a prompt goes to is told by its experts: the texts are those that the profiles are of.
    @Test
    void thatWhichIsNearestToThePromptIsChosen() throws IOException {
        learn("--profile", "stories", "Once upon a time there was a king who had three daughters, and the");
        learn("--profile", "code", "import java.util.List; public final class A { private final int b = 0; }");
        CommandLineRun run = learn("In the forest there lived an old woman who had a cat, and the cat");
        String note = run.err().lines().findFirst().orElseThrow();
        assertTrue(note.startsWith("profile stories, of 2 the nearest to what "), note);
        assertEquals(2, files().size(), "the run was added to it");
        note = learn("public static void main(String[] args) { return; }")
                .err()
                .lines()
                .findFirst()
                .orElseThrow();
        assertTrue(note.startsWith("profile code, of 2 "), note);
    }

    @Test
    void profilesOfAPersonAreApart() throws IOException {
        learn("--profile", "anna.stories", "Once upon a time there was a king");
        learn("--profile", "anna.code", "public final class A { }");
        CommandLineRun nobody = learn("The king");
        assertFalse(nobody.err().contains("the nearest"), nobody.err());
        assertEquals(3, files().size(), "default as well");
        CommandLineRun anna = learn("--profile", "anna.auto", "public static void main");
        assertTrue(anna.err().startsWith("profile anna.code, of 2 "), anna.err());
    }

    /// What was learnt is taken up when the profile is known, between two steps; the text is the same.
    @Test
    void choosingChangesNoToken() throws IOException {
        learn("--profile", "stories", "Once upon a time there was a king who had three daughters, and the");
        learn("--profile", "code", "import java.util.List; public final class A { private final int b = 0; }");
        String prompt = "In the forest there lived";
        assertEquals(learn("--profile", "none", prompt).out(), learn(prompt).out());
    }

    private CommandLineRun learn(String... promptAndOptions) {
        Stream<String> args = Stream.concat(
                Stream.of("run", TINY, "-n", "24", "--temp", "0", "--ram", "12M", "--device", "cpu"),
                Stream.of(promptAndOptions));
        CommandLineRun run = CommandLineRun.inProcess(cache, args.toArray(String[]::new));
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run;
    }

    @Test
    void nobodyElseMayReadWhatIsKept() throws IOException {
        assumeTrue(cache.getFileSystem().supportedFileAttributeViews().contains("posix"));
        hitRate("--policy", "gate");
        Path census = only();
        Path learnt = census.resolveSibling(census.getFileName().toString().replace(".census.json", ".learnt"));
        for (Path file : List.of(census, learnt)) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
    }

    @Test
    void withoutAProfileNothingIsKept() throws IOException {
        hitRate("--profile", "none");
        assertFalse(Files.exists(cache.resolve("census")));
    }

    @Test
    void aDamagedCensusIsSaidAndReplaced() throws IOException {
        hitRate();
        Path census = only();
        Files.writeString(census, "{\"format\":\"moe-census/7\"}");
        CommandLineRun run = run();
        assertEquals(Failure.OK, run.exitCode());
        String sentence = census + ": format: expected moe-census/1, found moe-census/7; it is not used";
        assertEquals(sentence, run.err().lines().findFirst().orElseThrow());
        assertEquals("moe-census/1", Json.readObject(census).requireString("format"));
    }

    @Test
    void aCensusOfAnotherModelIsNotUsed() throws IOException {
        hitRate();
        Path census = only();
        Files.writeString(census, "{\"format\":\"moe-census/1\",\"tokens\":1,\"layers\":[]}");
        String sentence = census + ": expected the experts of the model, found others; it is not used";
        assertEquals(sentence, run().err().lines().findFirst().orElseThrow());
    }

    @Test
    void aCacheThatCannotBeWrittenIsSaidOnceWithWhatHelps() throws IOException {
        Path store = cache.resolve("tiny.mtier");
        CommandLineRun.inProcess(cache, "import", TINY, "--out", store.toString());
        Path file = Files.writeString(cache.resolve("file"), "no directory");
        String[] command = {"run", store.toString(), "--ids", "1,2", "-n", "1", "--profile", "default"};
        CommandLineRun run = CommandLineRun.inProcess(file, command);
        assertEquals(Failure.OK, run.exitCode());
        List<String> notes = run.err()
                .lines()
                .filter(line -> line.contains("--profile none"))
                .toList();
        assertEquals(1, notes.size(), run.err());
        assertTrue(notes.getFirst().contains(file.toString()), run.err());
        command[command.length - 1] = "none";
        String silent = CommandLineRun.inProcess(file, command).err();
        assertFalse(silent.contains(file.toString()), silent);
    }

    @Test
    void aRunGoesOnWithWhatThePolicyHasLearnt() throws IOException {
        assertEquals(0, learntTokens("--policy", "gate"));
        Path learnt =
                cache.resolve("census").resolve(only().getFileName().toString().replace(".census.json", ".learnt"));
        long first = learntTokens("--policy", "gate");
        assertTrue(first > 8, () -> "from " + first + " tokens");
        assertEquals(2 * first, learntTokens("--policy", "gate"));
        assertEquals(0, learntTokens("--policy", "gate", "--profile", "none"));
        byte[] before = Files.readAllBytes(learnt);
        assertEquals(0, learntTokens(), "lru learns nothing");
        assertArrayEquals(before, Files.readAllBytes(learnt));
        before[20] ^= 1;
        Files.write(learnt, before);
        CommandLineRun run = run("--policy", "gate");
        assertEquals(Failure.OK, run.exitCode());
        String note = run.err().lines().findFirst().orElseThrow();
        assertTrue(note.startsWith(learnt + ": checksum: expected "), note);
        assertTrue(note.endsWith("; it is not used"), note);
        assertEquals(first, learntTokens("--policy", "gate"));
    }

    @Test
    void statisticsSayFromHowManyTokensWasLearnt() {
        String[] command = {"run", TINY, "--ids", "1,5,9", "-n", "4", "--temp", "0", "--ram", "12M", "--stats"};
        assertFalse(CommandLineRun.inProcess(cache, command).err().contains("learnt before"));
        String again = CommandLineRun.inProcess(cache, command).err();
        assertTrue(again.contains("  learnt before  from 6 tokens\n"), again);
        command = new String[] {"run", TINY, "--ids", "1", "-n", "1", "--ram", "12M", "--profile", "one", "--stats"};
        CommandLineRun.inProcess(cache, command);
        again = CommandLineRun.inProcess(cache, command).err();
        assertTrue(again.contains("  learnt before  from 1 token\n"), again);
    }

    @Test
    void aNameIsALabel() {
        CommandLineRun run = run("--profile", "../x");
        assertEquals(
                "moetier: --profile: expected up to 64 letters, digits, - and _, after PERSON. or not, found '../x'",
                run.err().strip());
        assertEquals(Failure.USAGE, run.exitCode());
    }

    private long learntTokens(String... options) {
        CommandLineRun run = run(options);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"))
                .requireInt("learnt_tokens");
    }

    private double hitRate(String... options) {
        CommandLineRun run = run(options);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        JsonObject figures = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
        return figures.requireDouble("expert_hit_rate");
    }

    private CommandLineRun run(String... options) {
        String policy = List.of(options).contains("--policy") ? "" : " --policy lru";
        String repeatable = "--device cpu --temp 0 --ram 12M --prefetch off" + policy;
        Stream<String> args = Stream.concat(
                Stream.of("run", TINY, "Once upon a time", "-n", "8", "--json"), Stream.of(repeatable.split(" ")));
        return CommandLineRun.inProcess(
                cache, Stream.concat(args, Stream.of(options)).toArray(String[]::new));
    }

    private Path only() throws IOException {
        List<Path> files = files();
        assertEquals(1, files.size(), files::toString);
        return files.getFirst();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(cache.resolve("census"))) {
            return files.filter(file -> file.toString().endsWith(".json")).toList();
        }
    }
}
