package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.QuickJvm;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Runs whose disk is slow, fails, is full, or loses the store: they say the right text or one sentence, and no signal
/// ends them. A library in C stands between them and their reads; without a compiler, only what needs none is tested.
class FaultyDiskTest {
    private static final int POLL_MILLIS = 20;
    private static final String EXPERTS = "experts-0.cm3";
    private static final String DENSE = "dense.safetensors";

    /// A read of experts when some tokens have been printed, and many are to come.
    private static final int IN_THE_MIDDLE = 100;
    private static final int WHILE_WAYS_ARE_TIMED = 3; // later ones may be none that can be held

    private static final String MODEL = TestData.tinyMixtral().toString();

    /// Runs the rest where files may have so many blocks of 512 bytes, and says how it ended; pipes have no size.
    private static final String SMALL_FILES = "{ ulimit -f $0; \"$@\"; echo \"ended with $?\"; } 2>&1 | cat";

    @TempDir
    static Path shared = Path.of("");

    private static Path library = Path.of("");
    private static boolean hasLibrary;
    private static String whole = "";

    @TempDir
    Path directory = Path.of("");

    private Path store = Path.of("");

    @BeforeAll
    static void compile() throws IOException, InterruptedException {
        library = shared.resolve("faulty-disk.so");
        Path source = shared.resolve("faulty-disk.c");
        try (var resource = Objects.requireNonNull(FaultyDiskTest.class.getResourceAsStream("faulty-disk.c"))) {
            Files.copy(resource, source);
        }
        hasLibrary = isThere("cc")
                && ChildProcess.run(new ProcessBuilder(
                                        "cc", "-shared", "-fPIC", "-o", library.toString(), source.toString(), "-ldl"))
                                .exitCode()
                        == 0;
        CommandLineRun run = CommandLineRun.inProcess(shared, arguments(shared.resolve("tiny.mtier"), "pread"));
        assertEquals(Failure.FAILED, run.exitCode()); // there is none yet
        assertEquals(
                Failure.OK,
                CommandLineRun.inProcess(
                                shared,
                                "import",
                                MODEL,
                                "--out",
                                shared.resolve("tiny.mtier").toString())
                        .exitCode());
        whole = CommandLineRun.inProcess(shared, arguments(shared.resolve("tiny.mtier"), "pread"))
                .out();
        // unpacks the library of tokenizers there, which this process may have done elsewhere
        String said = withFilesOf("unlimited", arguments(shared.resolve("tiny.mtier"), "pread"));
        assertTrue(said.startsWith(whole) && said.endsWith("\nended with 0\n"), said);
    }

    @BeforeEach
    void copyStore() throws IOException {
        store = Files.createDirectory(directory.resolve("tiny.mtier"));
        try (Stream<Path> files = Files.list(shared.resolve("tiny.mtier"))) {
            for (Path file : files.toList()) {
                Files.copy(file, store.resolve(file.getFileName()));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pread", "direct"})
    void aSlowDiskChangesNothing(String io) throws IOException, InterruptedException {
        if (hasLibrary) {
            Ended ended = run(io, fault(EXPERTS, "slow", 0, 1000));
            assertEquals(Failure.OK, ended.exitCode(), ended::toString);
            assertTrue(ended.said().startsWith(whole), ended::toString);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pread", "direct"})
    void aReadThatFailsOnceIsRepeatedAndSaid(String io) throws IOException, InterruptedException {
        for (String file : hasLibrary ? List.of(EXPERTS, DENSE) : List.<String>of()) {
            Ended ended = run(io, fault(file, "error", io.equals("direct") && file.equals(EXPERTS) ? 1 : 0, 1));
            assertEquals(Failure.OK, ended.exitCode(), ended::toString);
            assertTrue(ended.said().startsWith(whole), ended::toString);
            String sentence = "reads of " + store + " that failed, and did not when repeated: 1";
            assertEquals(sentence, ended.lastLine());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pread", "direct"})
    void aReadThatFailsTwiceIsOneSentence(String io) throws IOException, InterruptedException {
        if (hasLibrary) {
            Ended ended = run(io, fault(EXPERTS, "error", 4, 1000));
            isOneSentence(ended, EXPERTS + ": layer \\d+ expert \\d+: cannot be read at byte \\d+: Input/output error");
            Ended dense = run(io, fault(DENSE, "error", 0, 1000));
            isOneSentence(dense, DENSE + ": cannot be read: Input/output error");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pread", "direct"})
    void aStoreThatIsDeletedStillServesWhoHasItOpen(String io) throws IOException, InterruptedException {
        if (hasLibrary) {
            Ended ended = runHeld(io, EXPERTS, IN_THE_MIDDLE, () -> {
                try (Stream<Path> files = Files.list(store)) {
                    for (Path file : files.toList()) {
                        Files.delete(file);
                    }
                }
                Files.delete(store);
            });
            assertEquals(Failure.OK, ended.exitCode(), ended::toString);
            assertTrue(ended.said().startsWith(whole), ended::toString);
        }
    }

    /// Whichever way turns out to be the fastest; the tokenizer is opened only later.
    @Test
    void expertsThatAreDeletedWhileWaysToReadAreTimedStillServe() throws IOException, InterruptedException {
        if (hasLibrary) {
            Ended ended = runHeld("auto", EXPERTS, WHILE_WAYS_ARE_TIMED, () -> Files.delete(store.resolve(EXPERTS)));
            assertEquals(Failure.OK, ended.exitCode(), ended::toString);
            assertTrue(ended.said().startsWith(whole), ended::toString);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pread", "direct", "mapped", "auto"})
    void aStoreThatIsCutShortIsOneSentence(String io) throws IOException, InterruptedException {
        if (hasLibrary) {
            Ended ended = runHeld(io, DENSE, 0, () -> {
                try (RandomAccessFile file =
                        new RandomAccessFile(store.resolve(EXPERTS).toFile(), "rw")) {
                    file.setLength(5000); // within a page
                }
            });
            isOneSentence(
                    ended,
                    EXPERTS
                            + ": layer \\d+ expert \\d+: cannot be read at byte \\d+: (the file ends at \\d+, before \\d+"
                            + "|the file was cut short or the disk failed under the mapping)");
        }
    }

    @Test
    void aCensusThatFindsNoRoomCostsNoAnswer() throws IOException, InterruptedException {
        String said = withFilesOf("0", arguments(store, "pread"));
        assertTrue(said.startsWith(whole), said);
        assertTrue(said.contains("the next run starts without what this one chose"), said);
        assertTrue(said.endsWith("File too large; --profile none does not try\nended with 0\n"), said);
    }

    @ParameterizedTest
    @ValueSource(strings = {"trace.jsonl.gz", "timeline.json"})
    void aRecordingThatFindsNoRoomIsOneSentenceAndLeavesNothing(String name) throws IOException, InterruptedException {
        Path file = directory.resolve(name);
        String option = name.startsWith("trace") ? "--trace" : "--trace-events";
        String said = withFilesOf(
                "1",
                "bench",
                store.toString(),
                "-p",
                "16",
                "-n",
                "8",
                "-r",
                "2",
                "--device",
                "cpu",
                option,
                file.toString());
        assertTrue(said.endsWith("moetier: " + file + ": cannot be written: File too large\nended with 1\n"), said);
        assertTrue(!said.contains("\tat "), said);
        try (Stream<Path> left = Files.list(directory)) {
            assertTrue(left.noneMatch(path -> path.toString().contains(name)), name);
        }
    }

    @Test
    void headersOfTheHubThatFindNoRoomAreOneSentence() throws IOException, InterruptedException {
        try (HubDouble server = HubDouble.start()) {
            server.put("org/repo", TestData.tinyMixtral());
            String said = withFilesOf(
                    List.of("HF_ENDPOINT=" + server.endpoint(), "HF_HOME=" + directory, "NO_PROXY=*"),
                    "1",
                    "plan",
                    "hf:org/repo");
            String sentence = "moetier: .*/moetier-headers-\\S+: cannot be written: File too large\nended with 1\n";
            assertTrue(said.matches(sentence), said);
        }
    }

    /// How a run ended and what it said.
    private record Ended(int exitCode, String said) {
        String lastLine() {
            return said.substring(said.stripTrailing().lastIndexOf('\n') + 1).strip();
        }
    }

    private interface Fate {
        void befall() throws IOException;
    }

    private Ended run(String io, List<String> launcher) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        Files.deleteIfExists(log);
        int exitCode = CommandLineRun.await(log, launcher, arguments(store, io));
        return new Ended(exitCode, said(log));
    }

    /// Returns all but what the JVM says of itself.
    private static String said(Path log) throws IOException {
        return Files.readString(log)
                .lines()
                .filter(line -> !line.startsWith("WARNING: "))
                .map(line -> line + "\n")
                .collect(Collectors.joining());
    }

    /// Runs, and lets something happen to the store when it has been opened, at that read of a file.
    private Ended runHeld(String io, String file, int read, Fate fate) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        Path held = directory.resolve("held");
        try (ChildProcess child = CommandLineRun.start(log, fault(file, "hold", read, 1), arguments(store, io))) {
            while (child.process().isAlive() && Files.notExists(held)) {
                Thread.sleep(POLL_MILLIS);
            }
            assertTrue(child.process().isAlive(), () -> io + ": it has ended before that read");
            fate.befall();
            Files.createFile(directory.resolve("go"));
            return new Ended(child.waitFor(), said(log));
        }
    }

    private static void isOneSentence(Ended ended, String pattern) {
        assertEquals(Failure.FAILED, ended.exitCode(), ended::toString);
        assertTrue(whole.startsWith(ended.said().substring(0, ended.said().indexOf("moetier: "))), ended::toString);
        assertTrue(ended.lastLine().matches("moetier: .*/" + pattern), ended::toString);
    }

    private List<String> fault(String file, String fault, int from, int count) {
        return List.of(
                "env",
                "MOETIER_CACHE=" + shared,
                "LD_PRELOAD=" + library,
                "FAULT_FILE=" + file,
                "FAULT=" + fault,
                "FAULT_FROM=" + from,
                "FAULT_COUNT=" + count,
                "FAULT_FOLDER=" + directory);
    }

    private static String withFilesOf(String blocks, String... arguments) throws IOException, InterruptedException {
        return withFilesOf(List.of(), blocks, arguments);
    }

    private static String withFilesOf(List<String> variables, String blocks, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = Stream.of(
                        Stream.of("env", "MOETIER_CACHE=" + shared),
                        variables.stream(),
                        Stream.of("sh", "-c", SMALL_FILES, blocks),
                        CommandLineRun.command(withoutPerfData()).stream(),
                        Stream.of(arguments))
                .flatMap(words -> words)
                .toList();
        return ChildProcess.run(new ProcessBuilder(command)).said().replaceAll("(?m)^WARNING: .*\n", "");
    }

    /// What the JVM tells of itself in a file has no room, either.
    private static List<String> withoutPerfData() {
        return Stream.concat(QuickJvm.OPTIONS.stream(), Stream.of("-XX:-UsePerfData"))
                .toList();
    }

    private static String[] arguments(Path store, String io) {
        return ("run " + store + " --device cpu --ids 1,5,9,77 --temp 0 -n 16 --ctx 64 --ram 6M"
                        + " --policy lru --prefetch off --io " + io)
                .split(" ");
    }

    private static boolean isThere(String program) {
        return Stream.of(Objects.requireNonNullElse(System.getenv("PATH"), "").split(":"))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }
}
