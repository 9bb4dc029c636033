package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What `./moetier` and `./check` start to build, Maven and the compilers of C with their own children, ends when they
/// are interrupted, and so does the JVM by which a quick start is prepared. Here nothing would end by itself.
@Timeout(300)
class InterruptedBuildTest {
    private static final Path ROOT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent());
    private static final long POLL_MILLIS = 20;

    /// Maven, the compiler of a kernel and that of the library's entry, each with what it waits for.
    private static final int STARTED = 6;

    /// Notes its number and that of its child, and stays.
    private static final String STAY = """
            echo $$ >>"$NUMBERS"
            sleep 1000 &
            echo $! >>"$NUMBERS"
            wait
            """;

    /// Makes at once what asks for the processor's level and the compiler's abilities.
    private static final String COMPILER = """
            #!/bin/sh
            case $* in
            *own.c*) printf '#!/bin/sh\nexit 1\n' >"$2" && chmod +x "$2" && exit ;;
            *probe.o*) exit ;;
            esac
            """;

    /// Has a cache half made, and ends by no signal that it can choose not to.
    private static final String TRAINING = """
            #!/bin/sh
            case $* in
            *StartUpTraining*) ;;
            *NewerClassFiles*) exit ;;
            *) echo "started $*" && exit ;;
            esac
            trap '' INT TERM
            for option; do
              case $option in -XX:AOTCacheOutput=*) echo half >"${option#*=}" && : >"${option#*=}.config" ;; esac
            done
            for store; do :; done
            mkdir "${store%/*}" && : >"${store%/*}/.model.mtier.lock"
            """;

    @TempDir
    Path directory;

    private Path root = Path.of("");
    private Path numbers = Path.of("");

    @BeforeEach
    void copyTheScripts() throws IOException {
        root = directory.resolve("moetier");
        numbers = directory.resolve("numbers");
        for (String name : List.of(
                "moetier",
                "check",
                ".mvn/jdk.sh",
                "cli/src/main/launcher/start.sh",
                "cli/src/main/launcher/prepare.sh",
                "cli/src/main/launcher/build.sh",
                "engine/kernels/src/main/native/build.sh")) {
            Path copy = root.resolve(name);
            Files.createDirectories(Objects.requireNonNull(copy.getParent()));
            Files.copy(ROOT.resolve(name), copy);
        }
        Files.writeString(root.resolve("engine/kernels/src/main/native/kernel.c"), "");
        Files.writeString(root.resolve("engine/kernels/src/main/native/level.c"), "");
        program(root.resolve("mvnw"), "#!/bin/sh\n" + STAY);
        program(directory.resolve("cc"), COMPILER + STAY);
    }

    private static void program(Path file, String text) throws IOException {
        Files.writeString(file, text);
        assertTrue(file.toFile().setExecutable(true));
    }

    @AfterEach
    void endWhatIsLeft() throws IOException {
        for (long number : started()) {
            ProcessHandle.of(number).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    @ParameterizedTest
    @CsvSource({"moetier --version, INT, 130", "moetier --version, TERM, 143", "check --quick, INT, 130"})
    void endsWhatItHasStarted(String command, String signal, int exitCode) throws IOException, InterruptedException {
        endsAll(command, STARTED, signal, exitCode);
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void endsThePreparationOfAQuickStart(String signal, int exitCode) throws IOException, InterruptedException {
        preparesBy(TRAINING + STAY);
        List<String> before = targetFiles();

        endsAll("moetier --version", 2, signal, exitCode);
        List<String> left = new ArrayList<>(targetFiles());
        left.removeAll(before);
        assertEquals(List.of(".lock", "launcher-25.args", "launcher-training.log"), left);
    }

    /// The JVM makes a cache as well when it is interrupted, with which another one may crash.
    @Test
    void takesNoCacheOfATrainingThatFailed() throws IOException, InterruptedException {
        preparesBy(TRAINING + "exit 130\n");
        ProcessBuilder builder = new ProcessBuilder("sh", "./moetier", "--version").directory(root.toFile());
        builder.environment().put("JAVA_HOME", directory.resolve("jdk").toString());

        ChildProcess.Ended run = ChildProcess.run(builder);
        assertEquals(0, run.exitCode(), run.said());
        assertTrue(run.said().contains("\nstarted "), run.said());
        assertEquals(0, Files.size(root.resolve("cli/target/launcher-25.aot")));
        assertFalse(targetFiles().toString().contains("aot."), targetFiles().toString());
    }

    /// Makes what a build would, and a JDK whose `java` is this program.
    private void preparesBy(String program) throws IOException {
        Path jdk = directory.resolve("jdk");
        Files.createDirectories(jdk.resolve("bin"));
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        program(jdk.resolve("bin/java"), program);
        program(jdk.resolve("bin/javac"), "#!/bin/sh\n");
        Files.copy(ROOT.resolve("cli/src/main/launcher/jvm.args"), root.resolve("cli/src/main/launcher/jvm.args"));
        for (String folder : List.of("storage", "tools", "cli/target/lib")) {
            Files.createDirectories(root.resolve(folder));
        }
        Files.writeString(root.resolve("pom.xml"), "");
        Files.writeString(root.resolve("cli/target/moetier.jar"), "");
    }

    private List<String> targetFiles() throws IOException {
        Path target = root.resolve("cli/target");
        try (Stream<Path> files = Files.walk(target)) {
            return files.map(file -> target.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    private void endsAll(String command, int numStarted, String signal, int exitCode)
            throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        // What a shell starts in the background ignores Ctrl-C, and so does all that it starts: as these tests may be.
        ProcessBuilder builder = new ProcessBuilder("env", "--default-signal=INT", "sh", "-c", "exec sh ./" + command)
                .directory(root.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        Path jdk = directory.resolve("jdk");
        builder.environment().put("JAVA_HOME", Files.exists(jdk) ? jdk.toString() : System.getProperty("java.home"));
        builder.environment().put("CC", directory.resolve("cc").toString());
        builder.environment().put("NUMBERS", numbers.toString());
        try (ChildProcess build = ChildProcess.start(builder)) {
            while (started().size() < numStarted && build.process().isAlive()) {
                Thread.sleep(POLL_MILLIS);
            }
            List<Long> started = started();
            assertEquals(numStarted, started.size(), Files.readString(log));
            assertEquals(
                    0,
                    ChildProcess.run(new ProcessBuilder(
                                    "kill",
                                    "-" + signal,
                                    Long.toString(build.process().pid())))
                            .exitCode());
            assertEquals(exitCode, build.waitFor(), Files.readString(log));
            while (started.stream().anyMatch(ChildProcess::runs)) {
                Thread.sleep(POLL_MILLIS);
            }
        }
        Files.delete(numbers); // which may be those of other processes soon
    }

    private List<Long> started() throws IOException {
        return Files.exists(numbers)
                ? Files.readAllLines(numbers).stream().map(Long::valueOf).toList()
                : List.of();
    }
}
