package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import io.moetier.cli.CommandLineRun;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An import that is asked to end, as by Ctrl-C, takes what it has written with it.
class StoppedImportTest {
    private static final int TERMINATED = 128 + 15;
    private static final int MOST_ATTEMPTS = 20;
    private static final long POLL_MILLIS = 1; // the processor is needed for what is waited for

    @TempDir
    Path directory;

    @Test
    void leavesNothingBehind() throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
            Path parent = Files.createDirectory(directory.resolve("attempt-" + attempt));
            String target = parent.resolve("tiny.mtier").toString();
            int exitCode;
            try (ChildProcess child =
                    CommandLineRun.start(log, "import", TestData.tinyMixtral().toString(), "--out", target)) {
                while (child.process().isAlive()
                        && names(parent).stream().noneMatch(name -> name.contains(".importing-"))) {
                    Thread.sleep(POLL_MILLIS);
                }
                child.process().destroy();
                exitCode = child.waitFor();
            }
            List<String> left = names(parent);
            if (!left.contains("tiny.mtier")) {
                assertEquals(TERMINATED, exitCode, () -> "see " + log);
                assertEquals(List.of(), left);
                return;
            }
            assertEquals(List.of("tiny.mtier"), left);
        }
        fail("imports end before they can be stopped");
    }

    private static List<String> names(Path parent) throws IOException {
        try (Stream<Path> files = Files.list(parent)) {
            return files.map(file -> String.valueOf(file.getFileName())).toList();
        }
    }
}
