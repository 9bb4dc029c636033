package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Languages of a model that translates: the golden NLLB with a tokenizer of three words and three languages.
class TranslationTest {
    private static final String[] WORDS = {"<s>", "<pad>", "</s>", "<unk>", "one", "two", "three"};
    private static final String[] LANGUAGES = {"eng_Latn", "fra_Latn", "fur_Latn"};
    private static final int FIRST_LANGUAGE = 300;
    private static final String ENGLISH = "300,4,5,2";
    private static final String FRIULIAN = "302,4,5,2";
    private static final String FRENCH = "301";

    @TempDir
    Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void giveTheModelATokenizer() throws IOException {
        model = Files.createDirectory(directory.resolve("nllb"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(TestData.golden("nllb_moe").resolve(file), model.resolve(file));
        }
        Files.writeString(model.resolve("tokenizer.json"), tokenizer());
    }

    @Test
    void theAnswerIsThatOfADecoderThatBeganWithTheLanguage() {
        String expected = ids(ENGLISH, FRENCH);
        assertEquals(expected, text("--target-language", "fra_Latn"));
        assertTrue(!expected.equals(text("--target-language", "fur_Latn")), "another language, another text");
        assertEquals(ids(FRIULIAN, FRENCH), text("--target-language", "fra_Latn", "--source-language", "fur_Latn"));
    }

    @Test
    void theFilesLanguageIsTakenWhereNoneIsGiven() throws IOException {
        Files.writeString(model.resolve("generation_config.json"), "{\"forced_bos_token_id\": 301}");
        assertEquals(ids(ENGLISH, FRENCH), text());
    }

    @Test
    void aTextNeedsALanguage() {
        assertRefused(
                model + " translates: say into which language, as in --target-language fra_Latn",
                "run",
                model.toString(),
                "one two");
        assertEquals(
                Failure.OK,
                run("run", model.toString(), "--ids", ENGLISH, "-n", "1").exitCode());
    }

    @Test
    void unknownLanguagesAreAnsweredWithThoseWrittenMostLikeThem() {
        assertRefused(
                "--target-language: expected a language of the model, such as fra_Latn, fur_Latn, eng_Latn, found"
                        + " 'french'",
                "run",
                model.toString(),
                "--target-language",
                "french",
                "one");
        assertRefused(
                "--source-language: expected a language of the model, such as eng_Latn, fra_Latn, fur_Latn, found 'en'",
                "run",
                model.toString(),
                "--target-language",
                "fra_Latn",
                "--source-language",
                "en",
                "one");
    }

    @Test
    void optionsWithoutEffectAreRefused() {
        String tiny = TestData.tinyMixtral().toString();
        assertRefused(
                "--target-language: " + tiny + " has no tokens for languages",
                "run",
                tiny,
                "--target-language",
                "fra_Latn",
                "one");
        assertRefused(
                "--source-language needs a text, but --ids and --ids-file give token ids",
                "run",
                model.toString(),
                "--source-language",
                "fra_Latn",
                "--ids",
                "4");
    }

    /// Returns the text of three tokens.
    private String text(String... options) {
        List<String> arguments =
                new ArrayList<>(List.of("run", model.toString(), "one two", "-n", "3", "--temp", "0", "--ignore-eos"));
        arguments.addAll(List.of(options));
        CommandLineRun run = run(arguments.toArray(String[]::new));
        assertEquals(Failure.OK, run.exitCode(), run::err);
        return run.out();
    }

    /// Returns the text of three tokens after an input and a language that are given as ids.
    private String ids(String input, String language) {
        CommandLineRun run = run(
                "run",
                model.toString(),
                "--ids",
                input,
                "--target-language",
                name(language),
                "-n",
                "3",
                "--temp",
                "0",
                "--ignore-eos");
        assertEquals(Failure.OK, run.exitCode(), run::err);
        return run.out();
    }

    private static String name(String id) {
        return LANGUAGES[Integer.parseInt(id) - FIRST_LANGUAGE];
    }

    private void assertRefused(String sentence, String... arguments) {
        CommandLineRun run = run(arguments);
        assertEquals(Failure.USAGE, run.exitCode(), run::err);
        assertEquals("moetier: " + sentence, run.err().lines().toList().getLast());
    }

    private static String tokenizer() {
        Stream<String> words = IntStream.range(0, FIRST_LANGUAGE)
                .mapToObj(i -> "\"" + (i < WORDS.length ? WORDS[i] : "w" + i) + "\": " + i);
        Stream<String> languages = IntStream.range(0, LANGUAGES.length)
                .mapToObj(i -> "{\"id\": " + (FIRST_LANGUAGE + i) + ", \"content\": \"" + LANGUAGES[i]
                        + "\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false,"
                        + " \"special\": true}");
        return """
                {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
                 "pre_tokenizer": {"type": "Whitespace"},
                 "added_tokens": [%s],
                 "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "<unk>"},
                 "post_processor": {"type": "TemplateProcessing",
                   "single": [{"SpecialToken": {"id": "eng_Latn", "type_id": 0}},
                              {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                   "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                   "special_tokens": {"eng_Latn": {"id": "eng_Latn", "ids": [300], "tokens": ["eng_Latn"]},
                                      "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}}
                """.formatted(String.join(", ", languages.toList()), String.join(", ", words.toList()));
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(directory.resolve("cache"), arguments);
    }
}
