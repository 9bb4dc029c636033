package io.moetier.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.testdata.TestData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RamBudgetTest {
    private static final long GIB = 1L << 30;

    @TempDir
    Path directory = Path.of("");

    @Test
    void moreThanThereIsIsNamedWithWhatLimitsIt() {
        MemoryLimit group = new MemoryLimit("the control group /sys/fs/cgroup/app", 3 * GIB / 2, GIB / 2);
        assertEquals(Optional.empty(), new RamBudget("--ram", GIB).warning(group));
        assertEquals(
                Optional.of(
                        "--ram: 2.00 GiB is more than the 1.00 GiB that the control group /sys/fs/cgroup/app has left"
                                + " of 1.50 GiB; what does not fit may end the process or slow the machine down"),
                new RamBudget("--ram", 2 * GIB).warning(group));
    }

    /// More than any machine has, for a model that needs next to nothing.
    @Test
    void everyCommandWarnsAndRuns() {
        String model = TestData.tinyMixtral().toString();
        List<String[]> commands = List.of(
                new String[] {"run", model, "--ids", "1,5", "-n", "1", "--profile", "none", "--ram", "1000000T"},
                new String[] {"bench", model, "-p", "1", "-n", "0", "-r", "1", "--ram", "1000000T"},
                new String[] {
                    "trace", "record", model, "--ids", "1,5", "-n", "1", "--ram", "1000000T", "-o", directory + "/t.gz"
                });
        for (String[] command : commands) {
            CommandLineRun run = CommandLineRun.inProcess(directory, command);
            assertEquals(Failure.OK, run.exitCode(), run.err());
            assertTrue(run.err().startsWith("--ram: 1000000 TiB is more than the "), run.err());
        }
        assertTrue(Files.exists(directory.resolve("t.gz")));
        assertFalse(CommandLineRun.inProcess(
                        directory, "run", model, "--ids", "1,5", "-n", "1", "--profile", "none", "--ram", "8M")
                .err()
                .contains("is more than"));
    }
}
