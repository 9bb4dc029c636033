package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// People at a terminal see bars beneath the figures, and programs figures alone.
class TerminalChartsTest {
    @TempDir
    Path directory = Path.of("");

    private void assertDrawsOnTerminalsAlone(String... words) {
        Map<String, String> variables =
                Map.of("MOETIER_CACHE", directory.resolve("cache").toString());
        CommandLineRun terminal = CommandLineRun.onTerminals("1", variables, directory, words);
        assertEquals(0, terminal.exitCode(), terminal.err());
        assertTrue(terminal.out().contains("████"), terminal.out());
        CommandLineRun file = CommandLineRun.onTerminals("", variables, directory, words);
        assertEquals(0, file.exitCode(), file.err());
        assertFalse(file.out().contains("█"), file.out());
    }

    @Test
    void benchAndProfileDrawWhatTheyMeasured() {
        String model = TestData.tinyMixtral().toString();
        assertDrawsOnTerminalsAlone("bench", model, "-p", "4", "-n", "4", "-r", "1");
        assertDrawsOnTerminalsAlone("profile", model, "-p", "4", "-n", "4", "--budgets", "100%", "--seconds", "0.2");
    }

    @Test
    void tuneDrawsHitRates() {
        String trace = TestData.trace("gpt-oss-20b_misc_small").toString();
        assertDrawsOnTerminalsAlone("tune", trace, "--policies", "lru,belady", "--budgets", "25%");
    }
}
