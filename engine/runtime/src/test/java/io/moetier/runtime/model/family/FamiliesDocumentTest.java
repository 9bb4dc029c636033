package io.moetier.runtime.model.family;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The table in docs/families.md is the one that the families give themselves; where it is not, the failure shows what
/// has to stand there.
class FamiliesDocumentTest {
    private static final Path ROOT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent());
    private static final Path SOURCES = ROOT.resolve("engine/runtime/src/main/java/io/moetier/runtime/model/family");

    @Test
    void theTableIsThatOfTheFamilies() throws IOException {
        String expected = Families.traits().stream()
                .map(FamiliesDocumentTest::row)
                .map(row -> row + "\n")
                .collect(Collectors.joining());
        String found;
        try (Stream<String> lines = Files.lines(ROOT.resolve("docs/families.md"))) {
            found = lines.filter(line -> line.startsWith("| `") && !line.startsWith("| `model_type`"))
                    .map(row -> row + "\n")
                    .collect(Collectors.joining());
        }
        assertEquals(expected, found);
    }

    private static String row(FamilyTraits family) {
        Path file = file(family.modelType());
        return Stream.of(
                        "`" + family.modelType() + "`",
                        "`" + file.getFileName().toString().replace(".java", "") + "`, " + linesOfCode(file),
                        String.join(", ", family.mixers()),
                        String.join(", ", family.norms()),
                        family.mixture().router(),
                        family.mixture().experts(),
                        family.mixture().shared(),
                        String.join(", ", family.state()),
                        family.files().storage().isEmpty()
                                ? "–"
                                : String.join(", ", family.files().storage()),
                        family.files().gguf().map(name -> "`" + name + "`").orElse("–"))
                .collect(Collectors.joining(" | ", "| ", " |"));
    }

    private static Path file(String modelType) {
        try (Stream<Path> files = Files.list(SOURCES)) {
            List<Path> named = files.filter(file -> read(file).contains("\"" + modelType + "\","))
                    .toList();
            assertEquals(1, named.size(), () -> modelType + ": " + named);
            return named.getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Blank lines, comments and imports are none.
    private static long linesOfCode(Path file) {
        return read(file)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("//"))
                .filter(line -> !line.startsWith("import ") && !line.startsWith("package "))
                .count();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
