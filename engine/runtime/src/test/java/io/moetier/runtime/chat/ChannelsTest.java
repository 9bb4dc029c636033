package io.moetier.runtime.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.moetier.runtime.session.TextStream;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.runtime.text.TokenStream;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChannelsTest {
    private static final String ANALYSIS = "<|channel|>analysis<|message|>The king is asked for.";
    private static final String ANSWER = "<|channel|>final<|message|>He went home.";
    private static final String NEXT = "<|end|><|start|>assistant";

    @TempDir
    static Path directory;

    private static Tokenizer harmony;
    private static Tokenizer gemma;
    private static Tokenizer solar;

    @BeforeAll
    static void open() throws IOException {
        harmony = with("<|start|>", "<|channel|>", "<|message|>", "<|end|>");
        gemma = with("<|channel>", "<channel|>");
        solar = with("<|begin|>", "<|think|>", "<|content|>", "<|end|>");
    }

    private static Tokenizer with(String... marks) throws IOException {
        StringBuilder added = new StringBuilder();
        for (String mark : marks) {
            added.append("""
                    {"id": %d, "content": "%s", "single_word": false, "lstrip": false, "rstrip": false,
                     "normalized": false, "special": true},""".formatted(4096 + added.length(), mark));
        }
        String json = Files.readString(TestData.tinyMixtral().resolve("tokenizer.json"));
        Path file = Files.createTempFile(directory, "tokenizer", ".json");
        Files.writeString(file, json.replaceFirst("\"added_tokens\": *\\[", "$0" + added));
        return Tokenizer.open(file, Optional.empty(), Path.of("target", "native"));
    }

    @AfterAll
    static void close() {
        harmony.close();
        gemma.close();
        solar.close();
    }

    @Test
    void whatIsThoughtStandsBeforeTheAnswer() {
        String expected = "<think>\nThe king is asked for.\n</think>\n\n He went home.";
        assertEquals(expected, text(ANALYSIS + NEXT + ANSWER));
        assertEquals("He went home.", Channels.withoutThoughts(expected));
    }

    @Test
    void thoughtsInARowAreOne() {
        String more = "<|channel|>commentary to=functions.x <|message|>Then.";
        assertEquals(
                "<think>\nThe king is asked for.\n\n Then.\n</think>\n\n He went home.",
                text(ANALYSIS + NEXT + more + NEXT + ANSWER));
    }

    @Test
    void anAnswerWithoutThoughtsIsNothingElse() {
        assertEquals("He went home.", text(ANSWER));
        assertEquals("He went home.", text("He went home."));
    }

    @Test
    void namesOfGemmasChannelsAreLines() {
        assertEquals(
                "<think>\nThe king is asked for.\n</think>\n\n He went home.",
                text("<|channel>thought\nThe king is asked for.<channel|>He went home."));
        assertEquals(
                "He went home.",
                text("<|channel>thought\n<channel|>He went home.").strip());
    }

    @Test
    void marksOfSolarOpenTellThoughtsFromTheAnswer() {
        String thought = "<|think|>The king is asked for.";
        String expected = "<think>\nThe king is asked for.\n</think>\n\n He went home.";
        assertEquals(expected, text(thought + "<|end|><|begin|>assistant<|content|>He went home."));
        assertEquals(expected, text(thought + "<|content|>He went home."));
        assertEquals("He went home.", text("<|content|>He went home."));
    }

    @Test
    void textEndsAtAStopInAnyChannel() {
        StringBuilder out = new StringBuilder();
        assertFalse(take(ANALYSIS + NEXT + ANSWER, List.of("king"), out));
        assertEquals("<think>\nThe ", out.toString());
    }

    @Test
    void whatWasStoppedInThoughtsIsNoAnswer() {
        assertEquals("", Channels.withoutThoughts("<think>a"));
        assertEquals("b <think>", Channels.withoutThoughts("b <think>"));
    }

    @Test
    void anAnswerThatSpeaksOfTheMarksStaysWhole() {
        String answer = "Between <think> and </think>.";
        assertEquals(answer, Channels.withoutThoughts(answer));
        assertEquals(answer, Channels.withoutThoughts("<think>\nSay </think>, too.\n</think>\n\n" + answer));
        assertEquals(answer, Channels.withoutThoughts("<think>written by another</think> " + answer));
    }

    /// Templates of such models take the answers alone; others see to it themselves.
    @Test
    void theTemplateIsGivenAnswersWithoutThoughts() throws IOException {
        String answer = "<think>\na\n</think>\n\nb";
        Transcript said = Transcript.EMPTY.with(Transcript.USER, answer).with(Transcript.ASSISTANT, answer);
        Files.writeString(
                directory.resolve("chat_template.jinja"), "{% for m in messages %}[{{ m.content }}]{% endfor %}");
        ChatTemplate template = ChatTemplate.find(directory, Clock.systemUTC()).orElseThrow();
        assertEquals("[" + answer + "][b]", new ChatText(template, true).text(said));
        assertEquals("[" + answer + "][" + answer + "]", new ChatText(template, false).text(said));
    }

    @Test
    void tokenizersOfOtherModelsHaveNoChannels() {
        try (Tokenizer other = Tokenizer.open(
                TestData.tinyMixtral().resolve("tokenizer.json"), Optional.empty(), Path.of("target", "native"))) {
            assertEquals(Optional.empty(), Channels.Marks.of(other));
        }
    }

    private static String text(String answer) {
        StringBuilder out = new StringBuilder();
        take(answer, List.of(), out);
        return out.toString();
    }

    /// Says whether the answer went on to its end.
    private static boolean take(String answer, List<String> stops, StringBuilder out) {
        Tokenizer tokenizer = answer.contains("<|channel>") ? gemma : answer.contains("<|content|>") ? solar : harmony;
        Channels channels = new Channels(Channels.Marks.of(tokenizer).orElseThrow(), tokenizer, out::append);
        TextStream text = new TextStream(TokenStream.of(tokenizer, true), stops, channels);
        IntPredicate taker = channels.before(text);
        if (!IntStream.of(tokenizer.encode(answer, false)).allMatch(taker)) {
            return false;
        }
        text.finish();
        return true;
    }
}
