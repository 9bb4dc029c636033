package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The launcher's file is the one list of JVM options: the tests run with it, and nothing else repeats it.
class JvmArgsTest {
    private static final Path LIST = TestData.root().resolveSibling("cli/src/main/launcher/jvm.args");

    @Test
    void theTestsRunWithTheLaunchersOptions() throws IOException {
        List<String> given = ManagementFactory.getRuntimeMXBean().getInputArguments();
        List<String> missing = Files.readAllLines(LIST).stream()
                .filter(option -> !given.contains(option))
                .toList();
        assertEquals(List.of(), missing);
    }

    /// But for that of `tools/lint`, whose options are those of javac.
    @Test
    void thePomsRepeatNoneOfThem() throws IOException {
        try (Stream<Path> files = Files.walk(TestData.root().resolveSibling(""), 3)) {
            List<Path> poms = files.filter(file -> file.endsWith("pom.xml") && !file.endsWith("tools/lint/pom.xml"))
                    .toList();
            assertTrue(poms.size() > 1, poms.toString());
            for (Path pom : poms) {
                String text = Files.readString(pom);
                assertFalse(text.contains("--add-opens") || text.contains("Add-Opens"), pom.toString());
            }
        }
    }
}
