package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.ChildProcess.Ended;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartUpTrainingTest {
    @TempDir
    Path directory = Path.of("");

    /// There the JVM would make its cache for minutes.
    @Test
    void nothingIsRunWhereMemoryIsShort() throws IOException, InterruptedException {
        Optional<MemoryGroup> made = MemoryGroup.create(300 << 20);
        if (made.isEmpty()) {
            return; // whoever may not make one checks nothing here
        }
        try (MemoryGroup group = made.get()) {
            List<String> command = new ArrayList<>(group.launcher());
            command.addAll(CommandLineRun.command(QuickJvm.OPTIONS, StartUpTraining.class));
            command.add(TestData.tinyMixtral().toString());
            command.add(directory.resolve("tiny.mtier").toString());
            Ended ended = ChildProcess.run(new ProcessBuilder(command));
            assertEquals(0, ended.exitCode(), ended.said());
            assertFalse(ended.said().contains("Usage"), ended.said()); // --help comes first
        }
        String[] left = directory.toFile().list();
        assertTrue(left != null && left.length == 0, () -> Arrays.toString(left));
    }
}
