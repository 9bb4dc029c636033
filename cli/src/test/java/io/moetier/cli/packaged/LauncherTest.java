package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.QuickJvm;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What `./moetier` makes of its environment. Whatever is not ASCII is written by `printf` of the shell, so that the
/// encoding of the JVM that runs the tests has no part in it.
class LauncherTest {
    private static final Path ROOT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent());
    private static final String TEXT = "caf\\303\\251 \\346\\227\\245\\346\\234\\254";

    private static final String NAME = "$(printf '" + TEXT + "')";

    @TempDir
    static Path directory = Path.of("");

    private static String expected = "";

    private record Ended(int exitCode, String out, String err) {}

    /// Runs the launcher under these variables and nothing else of this process's environment but its JDK.
    ///
    /// @param arguments as the shell reads them
    private static Ended run(List<String> variables, String before, String arguments)
            throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        List<String> command = new ArrayList<>(List.of("env", "-i", "PATH=" + System.getenv("PATH")));
        command.add("JAVA_HOME=" + System.getProperty("java.home"));
        command.add("HOME=" + directory.resolve("home"));
        command.add("MODEL=" + TestData.tinyMixtral().toAbsolutePath());
        command.add(QuickJvm.VARIABLE);
        command.addAll(variables);
        command.addAll(List.of("sh", "-c", before + "\nexec " + ROOT.resolve("moetier") + " " + arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.resolve("work").toFile())
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        try (ChildProcess process = ChildProcess.start(builder)) {
            return new Ended(process.waitFor(), Files.readString(out), Files.readString(err));
        }
    }

    private static String ask(String model) {
        return "run \"" + model + "\" --temp 0 -n 4 --json --profile none ";
    }

    private static String ids(Ended run) {
        assertEquals(0, run.exitCode(), run.err());
        return run.out().replaceAll("(?s).*\"ids\":(\\[[^]]*]).*\"prompt_tokens\":(\\d+).*", "$1 after $2");
    }

    /// Returns what is in the working directory.
    private static List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("work"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @BeforeAll
    static void askWithThePromptInAFile() throws IOException, InterruptedException {
        Files.createDirectories(directory.resolve("home"));
        Files.createDirectories(directory.resolve("work"));
        String made = "cp -r \"$MODEL\" \"" + NAME + "\"; printf '" + TEXT + "' >prompt";
        expected = ids(run(List.of(), made, ask(NAME) + "-f prompt"));
    }

    /// A model and a prompt whose names and letters are not ASCII, compared with the prompt in a file.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "LANG=",
                "LC_ALL=C",
                "LC_ALL=POSIX",
                "LC_ALL=en_US.UTF-8",
                "LC_CTYPE=xx_XX.UTF-8",
                "LANG=de_DE.ISO-8859-1",
                "LC_ALL=C LANG=C.UTF-8"
            })
    void argumentsAndPathsAreUtf8UnderEveryLocale(String locale) throws IOException, InterruptedException {
        Ended run = run(List.of(locale.split(" ", -1)), "", ask(NAME) + "\"" + NAME + "\"");
        assertEquals(expected, ids(run));
    }

    @ParameterizedTest
    @ValueSource(strings = {"LC_ALL=C.UTF-8", "LANG=de_DE.ISO-8859-1"})
    void bytesThatAreNoUtf8AreRefused(String locale) throws IOException, InterruptedException {
        Ended prompt = run(List.of(locale), "", ask("$MODEL") + "\"$(printf 'caf\\351')\"");
        assertEquals(2, prompt.exitCode(), prompt.err());
        assertTrue(prompt.err().contains("expected UTF-8, found other bytes"), prompt.err());
        assertEquals("", prompt.out());
        List<String> before = files();
        Ended cache = run(List.of(locale), "export MOETIER_CACHE=\"$(printf 'c\\351')\"", ask("$MODEL") + "Once");
        assertEquals(2, cache.exitCode(), cache.err());
        assertEquals(before, files());
    }

    /// Where the folder of the scripts is also found elsewhere; they end as soon as they have looked for a JDK.
    @ParameterizedTest
    @ValueSource(strings = {"moetier", "check"})
    void scriptsFindTheirFolderWhateverCdpathSays(String script) throws IOException, InterruptedException {
        String name = ROOT.getFileName().toString();
        Files.createDirectories(directory.resolve("elsewhere").resolve(name));
        ProcessBuilder builder = new ProcessBuilder(name + "/" + script)
                .directory(Objects.requireNonNull(ROOT.getParent()).toFile());
        builder.environment().putAll(Map.of("CDPATH", directory + "/elsewhere:.", "MOETIER_JAVA_HOME", "/nowhere"));
        ChildProcess.Ended run = ChildProcess.run(builder);
        assertEquals(
                "moetier: MOETIER_JAVA_HOME: expected a JDK 25 or newer, found version none in /nowhere\n", run.said());
    }

    /// Maven's own messages are not all that there is, and on a full disk there is no log of them.
    @Test
    void aBuildThatFailsSaysWhyAndFailsAlsoWithoutItsLog() throws IOException, InterruptedException {
        Path tree = directory.resolve("tree");
        Path scripts = Files.createDirectories(tree.resolve("cli/src/main/launcher"));
        Path log = Files.createDirectories(tree.resolve("cli/target")).resolve("launcher-build.log");
        Files.createDirectories(tree.resolve("engine/kernels"));
        Files.copy(ROOT.resolve("cli/src/main/launcher/start.sh"), scripts.resolve("start.sh"));
        Path maven = Files.writeString(tree.resolve("mvnw"), "#!/bin/sh\necho 'java: no libjli.so'\nexit 127\n");
        assertTrue(maven.toFile().setExecutable(true));
        List<String> build =
                List.of("sh", ROOT.resolve("cli/src/main/launcher/build.sh").toString(), tree.toString());
        ChildProcess.Ended failed = ChildProcess.run(new ProcessBuilder(build));
        assertEquals(
                "1 moetier: the build failed: java: no libjli.so; see " + log + "\n",
                failed.exitCode() + " " + failed.said());
        Files.delete(log);
        Files.createDirectory(log);
        assertEquals(1, ChildProcess.run(new ProcessBuilder(build)).exitCode());
    }

    /// The first file that a process opens would take its place.
    @Test
    void standardInputThatIsClosedIsEmpty() throws IOException, InterruptedException {
        String start = """
                . "$0"
                launch() { readlink /proc/self/fd/0; }
                start <&-
                """;
        String script = ROOT.resolve("cli/src/main/launcher/start.sh").toString();
        assertEquals(
                "/dev/null\n",
                ChildProcess.run(new ProcessBuilder("sh", "-euc", start, script))
                        .said());
    }

    /// What is left of little memory must do for more than the start: threads are not to take addresses unasked, nor
    /// the heap all data.
    @Test
    void littleMemoryIsTriedWithLess() throws IOException, InterruptedException {
        String start = """
                . "$0"
                exec 3>&2
                launch() { echo "$1 $(ulimit -v) $(ulimit -d) ${MALLOC_ARENA_MAX-} $heap" >&3; }
                start
                ulimit -d 10000000
                start
                ulimit -d 1000000
                start
                ulimit -v 1000000
                start
                """;
        String script = ROOT.resolve("cli/src/main/launcher/start.sh").toString();
        assertEquals(
                """
                exec unlimited unlimited \s
                command unlimited 7500000  -Xmx2097152k
                exec unlimited 10000000  -Xmx2097152k
                command unlimited 750000  -Xmx250000k
                exec unlimited 1000000  -Xmx250000k
                command 900000 750000 2 -Xmx250000k
                exec 1000000 1000000 2 -Xmx250000k
                """,
                ChildProcess.run(new ProcessBuilder("sh", "-euc", start, script))
                        .said());
    }

    /// Containers run as numbers that nobody gave a name, and `id` then prints the number.
    @Test
    void aUserWithoutANameHasTheRootAsHome() throws IOException, InterruptedException {
        String start = """
                unset HOME
                id() { echo "cannot find name" >&2 && echo 4242 && return 1; }
                . "$0"
                echo "$HOME"
                """;
        String script = ROOT.resolve("cli/src/main/launcher/start.sh").toString();
        assertEquals(
                "/\n",
                ChildProcess.run(new ProcessBuilder("sh", "-euc", start, script))
                        .said());
    }

    @Test
    void theCacheIsInTheHomeThatTheEnvironmentNames() throws IOException, InterruptedException {
        ids(run(List.of(), "", ask("$MODEL") + "Once"));
        assertTrue(Files.isDirectory(directory.resolve("home/.cache/moetier")));
        Path other = directory.resolve("x");
        ids(run(List.of("XDG_CACHE_HOME=" + other), "", ask("$MODEL") + "Once"));
        assertTrue(Files.isDirectory(other.resolve("moetier")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ulimit -v 500000",
                "ulimit -n 20",
                "ulimit -d 20000",
                "mkdir gone; cd gone; rmdir ../gone",
                "export MOETIER_JAVA_OPTS=-Xmx1k",
                "export MOETIER_JAVA_OPTS=-nonsense"
            })
    void aJvmThatCannotStartSaysSoOnStandardErrorAndLeavesNothing(String before)
            throws IOException, InterruptedException {
        List<String> files = files();
        Ended run = run(List.of(), before, "run \"$MODEL\" -n 1 Once");
        assertTrue(run.exitCode() != 0, run.err());
        assertEquals("", run.out());
        assertFalse(run.err().isBlank());
        assertFalse(run.err().contains("Caused by") || run.err().contains("\tat "), run.err());
        assertEquals(before.startsWith("ulimit"), run.err().contains("within the limits of this shell"), run.err());
        assertEquals(files, files());
    }
}
