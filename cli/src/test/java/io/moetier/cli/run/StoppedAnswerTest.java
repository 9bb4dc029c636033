package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// One Ctrl-C ends a command wherever it is held, and takes what it was writing with it.
class StoppedAnswerTest {
    private static final int POLL_MILLIS = 20;

    /// A pipe that is full and that nobody reads is where the answer goes.
    private static final String FULL_PIPE = "mkfifo \"$0\"; exec 3<>\"$0\";"
            + " dd if=/dev/zero of=\"$0\" bs=4096 count=1024 oflag=nonblock 2>/dev/null; exec \"$@\" >&3";

    private static final String OPEN_AND_HOLD = "exec 3>\"$0\"; echo open; exec sleep 3600";

    @TempDir
    Path directory = Path.of("");

    private Path store = Path.of("");
    private Path log = Path.of("");

    @BeforeEach
    void makeStore() {
        store = directory.resolve("tiny.mtier");
        log = directory.resolve("log");
        CommandLineRun imported = CommandLineRun.inProcess(
                directory, "import", TestData.tinyMixtral().toString(), "--out", "" + store);
        assertEquals(Failure.OK, imported.exitCode(), imported::err);
    }

    @Test
    void whileItsOutputGoesNowhere() throws IOException, InterruptedException {
        Path out = Files.createDirectory(directory.resolve("out"));
        List<String> launcher =
                launcher("sh", "-c", FULL_PIPE, directory.resolve("pipe").toString());
        try (ChildProcess run = CommandLineRun.start(
                log,
                launcher,
                "run",
                store.toString(),
                "--ids",
                "1,5,9",
                "--trace-events",
                out.resolve("t.json").toString())) {
            // The timeline is begun with the answer, whose first token cannot be written.
            while (run.process().isAlive() && isEmpty(out)) {
                Thread.sleep(POLL_MILLIS);
            }
            endsWhenInterrupted(run);
        }
        assertTrue(isEmpty(out), "the timeline that was begun goes");
    }

    @Test
    void whileItsPromptDoesNotCome() throws IOException, InterruptedException {
        Path pipe = directory.resolve("prompt");
        assertEquals(
                0,
                ChildProcess.run(new ProcessBuilder("mkfifo", pipe.toString())).exitCode());
        ProcessBuilder opening = new ProcessBuilder("sh", "-c", OPEN_AND_HOLD, pipe.toString());
        try (ChildProcess writer = ChildProcess.start(opening);
                ChildProcess run = CommandLineRun.start(
                        log, launcher(), "run", store.toString(), "-f", pipe.toString(), "-n", "1")) {
            // A pipe opens for its writer when its reader is there.
            while (run.process().isAlive() && writer.process().getInputStream().available() == 0) {
                Thread.sleep(POLL_MILLIS);
            }
            endsWhenInterrupted(run);
        }
    }

    private void endsWhenInterrupted(ChildProcess run) throws IOException, InterruptedException {
        ProcessBuilder kill =
                new ProcessBuilder("kill", "-INT", Long.toString(run.process().pid()));
        assertEquals(0, ChildProcess.run(kill).exitCode(), Files.readString(log));
        assertEquals(Failure.INTERRUPTED, run.waitFor(), Files.readString(log));
    }

    /// What a shell starts in the background ignores Ctrl-C, and so does all that it starts: as these tests may be.
    private List<String> launcher(String... further) {
        String cache = "MOETIER_CACHE=" + directory.resolve("cache");
        return Stream.concat(Stream.of("env", "--default-signal=INT", cache), Stream.of(further))
                .toList();
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }
}
