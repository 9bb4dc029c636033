package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptTerminalTest {
    private static final int POLL_MILLIS = 20;

    @TempDir
    Path directory = Path.of("");

    /// JLine takes for a dumb terminal what the launcher took for one and is none.
    @Test
    void theLoopHearsOfCtrlCAtADumbTerminal() throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        List<String> launcher = List.of(
                "env",
                "--default-signal=INT", // what a shell starts in the background ignores it
                "TERM=dumb",
                "MOETIER_CACHE=" + directory.resolve("cache"),
                "XDG_STATE_HOME=" + directory.resolve("state"));
        List<String> terminals = List.of("-Dmoetier.terminals=0");
        String model = TestData.tinyMixtral().toString();
        try (ChildProcess run = CommandLineRun.start(log, launcher, terminals, "run", model, "-n", "1");
                OutputStream keys = run.process().getOutputStream()) {
            awaitOnScreen(run, log, ">>> ");
            interrupt(run);
            awaitOnScreen(run, log, "Ctrl-D or /bye leaves");
            keys.write("/bye\n".getBytes(StandardCharsets.UTF_8));
            keys.flush();
            assertEquals(Failure.OK, run.waitFor(), Files.readString(log));
        }
    }

    private static void interrupt(ChildProcess run) throws IOException, InterruptedException {
        String pid = Long.toString(run.process().pid());
        assertEquals(
                0, ChildProcess.run(new ProcessBuilder("kill", "-INT", pid)).exitCode());
    }

    private static void awaitOnScreen(ChildProcess run, Path log, String text)
            throws IOException, InterruptedException {
        while (run.process().isAlive() && !Files.readString(log).contains(text)) {
            Thread.sleep(POLL_MILLIS);
        }
        assertTrue(Files.readString(log).contains(text), Files.readString(log));
    }
}
