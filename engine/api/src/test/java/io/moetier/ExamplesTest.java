package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Each example is compiled and run as it is, with a home of its own.
class ExamplesTest {
    @TempDir
    static Path home = Path.of("");

    static List<Path> examples() {
        try (Stream<Path> files = Files.list(Path.of("examples"))) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void runs(Path example) throws IOException, InterruptedException {
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", // it compiles, and answers once
                "@" + TestData.root().resolveSibling("cli/src/main/launcher/jvm.args"),
                "-Duser.home=" + home,
                "-cp",
                System.getProperty("java.class.path"),
                example.toString(),
                TestData.tinyMixtral().toString()));
        assertEquals(0, ended.exitCode(), ended::said);
        assertFalse(ended.said().isBlank());
    }

    @Test
    void theGuideShowsThePolicy() throws IOException {
        String guide = Files.readString(TestData.root().resolveSibling("docs/library.md"));
        String example = Files.readString(Path.of("examples", "OwnEviction.java"));
        String policy =
                example.substring(example.indexOf("    static final"), example.indexOf("    public static void"));
        assertTrue(guide.contains("```java\n" + policy.stripTrailing().indent(-4) + "```\n"), policy);
    }

    @Test
    void theReadmeShowsTheFirst() throws IOException {
        String readme = Files.readString(TestData.root().resolveSibling("README.md"));
        String example = Files.readString(Path.of("examples", "StreamedAnswer.java"));
        String body = example.substring(example.indexOf("        try ("), example.lastIndexOf("    }"));
        assertTrue(readme.contains("```java\n" + body.indent(-8) + "```\n"), body);
    }
}
