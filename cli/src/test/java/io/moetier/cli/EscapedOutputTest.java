package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.report.HtmlReport;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.TerminalText;
import io.moetier.storage.format.GgmlType;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a model's files say reaches a terminal as text, never as commands.
class EscapedOutputTest {
    /// Retitles a terminal and clears it, in seven and in eight bits, and turns the direction of what follows.
    private static final String EVIL = "a\u001b]0;title\u0007\u009b2J\u202e\u007fb";

    private static final String SHOWN = "a\\x1b]0;title\\x07\\x9b2J\\u202e\\x7fb";

    @TempDir
    static Path cache = Path.of("");

    @TempDir
    Path directory = Path.of("");

    @Test
    void ofMetadataInTables() throws IOException {
        Path file = new TinyGguf().putWhole("general.name", EVIL + "\n2").write(directory.resolve("tiny.gguf"));
        CommandLineRun run = run("inspect", file.toString());
        assertTrue(run.out().contains(SHOWN + " 2\n"), run.out());
        assertHarmless(run);
        CommandLineRun json = run("inspect", "--json", file.toString());
        assertHarmless(json);
        JsonObject parsed = Json.parseObject(json.out().getBytes(StandardCharsets.UTF_8), Path.of("out"));
        assertTrue(parsed.asMap().toString().contains(EVIL), json.out());
    }

    @Test
    void ofTensorsInErrors() throws IOException {
        Path file = new TinyGguf().tensor(EVIL, GgmlType.F32, 2L).write(directory.resolve("tiny.gguf"));
        CommandLineRun run = run(
                "import", file.toString(), "-o", directory.resolve("o.mtier").toString());
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().contains("tensor " + SHOWN), run.err());
        assertHarmless(run);
        assertHarmless(run("--debug", "import", file.toString()));
    }

    @Test
    void ofNamesOfFiles() {
        CommandLineRun run = run("inspect", EVIL + ".gguf");
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().contains(SHOWN + ".gguf"), run.err());
        assertHarmless(run);
    }

    @Test
    void ofArgumentsThatAreRefused() {
        CommandLineRun run = run("run", "x", "--threads", EVIL);
        assertEquals(Failure.USAGE, run.exitCode());
        assertHarmless(run);
        assertHarmless(run(EVIL));
    }

    @Test
    void ofChatTemplatesThatComplain() throws IOException {
        Path model = altered(
                "tokenizer_config.json",
                config -> "{\"chat_template\": " + Json.write("{{ raise_exception('" + EVIL + "') }}") + ","
                        + config.strip().substring(1));
        CommandLineRun run = run("run", model.toString(), "-n", "1", "--profile", "none", "Hi");
        assertNotEquals(Failure.OK, run.exitCode());
        assertTrue(run.err().contains(SHOWN), run.err());
        assertHarmless(run);
    }

    @Test
    void ofTheAnswerOnATerminalAndNowhereElse() throws IOException {
        Path model = withEvilBlanks();
        String[] command = {"run", model.toString(), "-n", "4", "--temp", "0", "--profile", "none", "Once upon a"};
        CommandLineRun piped = run(command);
        assertEquals(Failure.OK, piped.exitCode(), piped.err());
        assertTrue(piped.out().contains(EVIL), piped.out());
        CommandLineRun shown = CommandLineRun.onTerminals("1", variables(), directory, command);
        assertEquals(Failure.OK, shown.exitCode(), shown.err());
        assertFalse(shown.out().matches("(?s).*[\u0000-\u0008\u000b-\u001f\u007f-\u009f].*"), shown.out());
        assertEquals(TerminalText.escapeAnswer(piped.out()), shown.out());
    }

    @Test
    void ofTokensInExplanations() throws IOException {
        Path model = withEvilBlanks();
        CommandLineRun run = run("explain", model.toString(), "Once upon a time");
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertTrue(run.out().contains(SHOWN), run.out());
        assertHarmless(run);
        assertFalse(HtmlReport.escape(EVIL).matches(".*\\p{Cntrl}.*"));
    }

    /// Returns a model whose blanks are decoded into more.
    private Path withEvilBlanks() throws IOException {
        return altered(
                "tokenizer.json",
                text -> text.replace(
                        "{\"String\": \"▁\"}, \"content\": \" \"",
                        "{\"String\": \"▁\"}, \"content\": " + Json.write(" " + EVIL)));
    }

    private interface Alteration {
        String of(String text);
    }

    /// Returns a model with one file altered.
    private Path altered(String name, Alteration alteration) throws IOException {
        Path model = Files.createDirectory(directory.resolve("model"));
        try (var files = Files.list(TestData.tinyMixtral())) {
            for (Path file :
                    files.filter(file -> !file.endsWith("logits.safetensors")).toList()) {
                Path copy = model.resolve(file.getFileName());
                if (file.endsWith(name)) {
                    String text = Files.readString(file);
                    String changed = alteration.of(text);
                    assertNotEquals(text, changed);
                    Files.writeString(copy, changed);
                } else {
                    Files.copy(file, copy);
                }
            }
        }
        return model;
    }

    private static void assertHarmless(CommandLineRun run) {
        String all = run.out() + run.err();
        assertTrue(
                all.chars().allMatch(letter -> letter == '\n' || letter == '\t' || !Character.isISOControl(letter)),
                all);
        assertFalse(all.contains("\u202e"), all);
    }

    private static Map<String, String> variables() {
        return Map.of("MOETIER_CACHE", cache.toString());
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(variables(), directory, arguments);
    }
}
