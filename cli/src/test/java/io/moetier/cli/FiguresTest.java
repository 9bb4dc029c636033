package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The figures in the README are those that `moetier bench --json` printed, which are kept in docs/figures.
class FiguresTest {
    private static final Path ROOT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent());

    @Test
    void theReadmeShowsWhatBenchMeasured() throws IOException {
        List<String> rows = Files.readAllLines(ROOT.resolve("README.md")).stream()
                .filter(line -> line.startsWith("|"))
                .toList();
        List<Path> figures;
        try (Stream<Path> files = Files.list(ROOT.resolve("docs/figures"))) {
            figures = files.filter(file -> file.toString().endsWith(".json"))
                    .sorted()
                    .toList();
        }
        assertEquals(2, figures.size());
        for (Path file : figures) {
            JsonObject measured = Json.readObject(file);
            String cells = String.format(
                    Locale.ROOT,
                    "| %,.0f | %,.0f | %.0f %% | %.0f KiB |",
                    measured.requireObject("prompt").requireDouble("tokens_per_second"),
                    measured.requireObject("generation").requireDouble("tokens_per_second"),
                    100 * measured.requireObject("generation").requireDouble("hit_rate"),
                    measured.requireObject("generation").requireLong("disk_bytes")
                            / 1024.0
                            / measured.requireObject("generation").requireInt("tokens"));
            assertTrue(rows.stream().anyMatch(row -> row.endsWith(cells)), () -> file + ": no row ends with " + cells);
        }
    }
}
