package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.option.OptionList;
import io.moetier.cli.option.Topic;
import io.moetier.cli.run.RunCommand;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class HelpTest {
    private static final Pattern EXAMPLE = Pattern.compile("(?m)^  moetier (run .*?)  +\\S.*$");
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

    @TempDir
    Path cache = Path.of("");

    @Test
    void manyOptionsAreUnderHeadingsAndTheUsualOnesFirst() {
        List<String> headings = Stream.of(Topic.values())
                .filter(topic -> topic != Topic.MEASUREMENT) // of other commands
                .map(Topic::heading)
                .toList();
        List<String> lines = help("run", "--help").lines().toList();
        assertEquals(
                headings,
                lines.stream()
                        .filter(line -> line.matches("[A-Z].*:"))
                        .map(line -> line.substring(0, line.length() - 1))
                        .filter(heading -> !heading.equals("Examples"))
                        .toList());
        assertTrue(lines.get(lines.indexOf("Used most:") + 1).startsWith("  -n, --predict=N "), () -> "" + lines);
    }

    @Test
    void everyOptionOfRunHasATopic() {
        CommandLine run = new CommandLine(new RunCommand(surroundings(), streams(new StringWriter())));
        List<String> without = run.getCommandSpec().options().stream()
                .filter(option -> !option.hidden() && OptionList.topic(option) == Topic.OTHER)
                .map(OptionSpec::longestName)
                .toList();
        assertEquals(List.of(), without);
    }

    /// A command by itself is the same as among all others.
    @Test
    void helpIsTheSameInBothWays() {
        List<String> names = help().lines()
                .filter(line -> line.matches("  [a-z].*"))
                .map(line -> line.strip().split(" ", -1)[0])
                .filter(name -> !name.equals("help"))
                .toList();
        assertTrue(names.size() > 10, names::toString);
        for (String name : names) {
            assertEquals(help("help", name), help(name, "--help"));
        }
    }

    @Test
    void fewOptionsNeedNoHeadings() {
        assertTrue(help("verify", "--help").lines().noneMatch(line -> line.equals("Other:")));
    }

    @Test
    void theContextOfPerplexityIsNoLargerThanItsWindows() {
        String help = help("perplexity", "--help").replaceAll("\\s+", " ");
        assertTrue(help.contains("the model's own limit, at most 4096, in perplexity at most 512."), help);
    }

    @Test
    void theExamplesWork() throws IOException {
        Path article = cache.resolve("article.txt");
        Files.writeString(article, "The horse");
        List<MatchResult> examples =
                EXAMPLE.matcher(help("run", "--help")).results().toList();
        assertEquals(4, examples.size());
        for (MatchResult example : examples) {
            String[] words = WORD.matcher(example.group(1))
                    .results()
                    .map(word -> word.group(1) != null ? word.group(1) : word.group(2))
                    .map(word -> word.matches("model.gguf|checkpoint")
                            ? TestData.tinyMixtral().toString()
                            : word)
                    .map(word -> word.equals("article.txt") ? article.toString() : word)
                    .toArray(String[]::new);
            StringWriter err = new StringWriter();
            int exitCode = Moetier.execute(surroundings(), streams(err), words);
            assertEquals(Failure.OK, exitCode, () -> Arrays.toString(words) + err);
        }
    }

    private static String help(String... words) {
        CommandLineRun run = CommandLineRun.inProcess(Map.of(), Path.of("/nonexistent"), words);
        assertEquals(Failure.OK, run.exitCode());
        return run.out();
    }

    private Surroundings surroundings() {
        return new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), cache, "");
    }

    /// Returns streams on which a prompt comes in.
    private static Streams streams(StringWriter err) {
        byte[] typed = "The horse".getBytes(StandardCharsets.UTF_8);
        return new Streams(new ByteArrayInputStream(typed), new StringWriter(), new PrintWriter(err));
    }
}
