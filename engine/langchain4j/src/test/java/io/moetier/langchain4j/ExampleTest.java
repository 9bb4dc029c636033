package io.moetier.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The example is compiled and run as it is, with a home of its own.
class ExampleTest {
    private static final Path EXAMPLE = Path.of("examples", "Ask.java");

    @Test
    void runs(@TempDir Path home) throws IOException, InterruptedException {
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", // it compiles, and answers once
                "@" + TestData.root().resolveSibling("cli/src/main/launcher/jvm.args"),
                "-Duser.home=" + home,
                "-cp",
                System.getProperty("java.class.path"),
                EXAMPLE.toString(),
                Parrot.write(home).toString()));
        assertEquals(0, ended.exitCode(), ended::said);
        assertTrue(ended.said().contains(Parrot.ANSWER), ended::said);
    }

    @Test
    void theGuideShowsIt() throws IOException {
        String guide = Files.readString(TestData.root().resolveSibling("docs/langchain4j.md"));
        String example = Files.readString(EXAMPLE);
        String body = example.substring(example.indexOf("        try ("), example.lastIndexOf("    }"));
        assertTrue(guide.contains("```java\n" + body.indent(-8) + "```\n"), body);
    }
}
