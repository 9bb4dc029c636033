package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The index of decisions has each of them once, under its title.
class DecisionRecordsTest {
    private static final Path FOLDER = TestData.root().resolveSibling("docs/adr");
    private static final Pattern ROW = Pattern.compile(
            "\\| \\[(\\d{4})]\\((\\1-[^)]*)\\) \\| ([^|]*) \\| \\d{4}-\\d\\d-\\d\\d \\| (?:accepted|(?:in part )?superseded[ :][^|]*) \\|");

    @Test
    void theIndexHasEveryDecisionUnderItsTitle() throws IOException {
        List<String> listed = Files.readAllLines(FOLDER.resolve("README.md")).stream()
                .filter(line -> line.startsWith("| ["))
                .map(DecisionRecordsTest::listed)
                .toList();
        try (Stream<Path> files = Files.list(FOLDER)) {
            List<String> written = files.filter(file -> !file.endsWith("README.md"))
                    .sorted()
                    .map(DecisionRecordsTest::written)
                    .toList();
            assertEquals(written, listed);
        }
    }

    /// Returns file and heading that a row of the index names.
    private static String listed(String row) {
        var match = ROW.matcher(row);
        assertTrue(match.matches(), row);
        return match.group(2) + ": # " + match.group(1) + " " + match.group(3);
    }

    private static String written(Path file) {
        try {
            return file.getFileName() + ": " + Files.readAllLines(file).getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
