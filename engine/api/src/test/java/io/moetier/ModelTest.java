package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/// The library as an embedder uses it, on the small trained model.
class ModelTest {
    private static final String PROMPT = "Once upon a time";
    private static final AnswerSettings GREEDY =
            AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY).withMaxTokens(12);
    private static final String TEMPLATE = """
            {%- for m in messages %}
            {%- if m.role == 'cat' %}{{ raise_exception('No cats') }}{% endif -%}
            [{{ m.content }}]{{ ' ' }}
            {%- endfor %}""";

    @TempDir
    static Path directory = Path.of("");

    private static Model model;

    @BeforeAll
    static void open() {
        model = Model.open(TestData.tinyMixtral(), options());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static ModelOptions options() {
        return ModelOptions.DEFAULT.withCache(directory.resolve("cache")).withThreads(1);
    }

    @Test
    void tellsWhatTheModelIs() {
        ModelInfo info = model.info();
        assertEquals("mixtral", info.family());
        assertTrue(info.hasTokenizer());
        assertEquals(2, info.expertsPerToken());
        assertEquals(PROMPT, model.decode(model.encode(PROMPT)).strip());
        assertEquals("", model.decode(info.vocabularySize(), -1, Integer.MAX_VALUE));
    }

    @Test
    void piecesMakeUpTheAnswer() {
        StringBuilder pieces = new StringBuilder();
        try (Completion completion = model.completion(GREEDY)) {
            Answer answer = completion.complete(PROMPT, pieces::append);
            assertEquals(pieces.toString(), answer.text());
            assertEquals(FinishReason.MAX_TOKENS, answer.finishReason());
            assertEquals(12, answer.tokenIds().size());
            assertEquals(12, answer.report().generatedTokens());
            Answer again = completion.complete(model.encode(PROMPT), piece -> {});
            assertEquals(answer.tokenIds(), again.tokenIds());
            assertEquals(model.encode(PROMPT).length, again.promptLength());
            assertEquals(1, again.report().promptTokens(), "the others were computed before");
        }
    }

    @Test
    void aSeedGivesTheSameTextAgain() {
        AnswerSettings drawn = AnswerSettings.DEFAULT.withMaxTokens(12);
        try (Completion completion = model.completion(drawn)) {
            completion.complete(PROMPT);
            Answer answer = completion.complete(PROMPT);
            try (Completion again = model.completion(drawn.withSeed(answer.seed()))) {
                assertEquals(answer.text(), again.complete(PROMPT).text());
                assertEquals(answer.text(), again.complete(PROMPT).text());
            }
        }
    }

    @Test
    void withoutASeedTextsAreCompletedOtherwiseEachTime() {
        try (Completion completion = model.completion(AnswerSettings.DEFAULT.withMaxTokens(1))) {
            Set<Long> seeds = Stream.generate(() -> completion.complete(PROMPT).seed())
                    .limit(3)
                    .collect(Collectors.toSet());
            assertTrue(seeds.size() > 1, seeds.toString());
        }
    }

    @Test
    void anAnswerEndsBeforeAStopText() {
        try (Completion whole = model.completion(GREEDY);
                Completion stopped = model.completion(GREEDY.withStops(","))) {
            String text = whole.complete(PROMPT).text();
            assertTrue(text.contains(","), text);
            Answer answer = stopped.complete(PROMPT);
            assertEquals(text.substring(0, text.indexOf(',')), answer.text());
            assertEquals(FinishReason.STOP_TEXT, answer.finishReason());
        }
    }

    @Test
    void littleMemoryNeverChangesAnAnswer() {
        String expected;
        try (Completion completion = model.completion(GREEDY)) {
            expected = completion.complete(PROMPT).text();
        }
        try (Model small = Model.open(TestData.tinyMixtral(), options().withMemoryBytes(4 << 20));
                Completion completion = small.completion(GREEDY)) {
            Answer answer = completion.complete(PROMPT);
            assertEquals(expected, answer.text());
            assertTrue(answer.report().diskBytes() > 0);
            TierReport memory = small.tiers().getFirst();
            assertEquals("memory", memory.name());
            assertTrue(memory.slots() < memory.experts(), memory::toString);
        }
    }

    @Test
    void anotherThreadCancels() {
        List<String> pieces = new ArrayList<>();
        try (Completion completion = model.completion(GREEDY.withMaxTokens(-1))) {
            Answer answer = completion.complete(PROMPT, piece -> {
                pieces.add(piece);
                join(Thread.ofPlatform().start(completion::cancel));
            });
            assertEquals(FinishReason.CANCELLED, answer.finishReason());
            assertEquals(1, pieces.size());
            assertEquals(answer.text(), pieces.getFirst());
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whoIsToldOfAnAnswerMayCloseButNotAsk() {
        Completion completion = model.completion(GREEDY);
        try (Completion _ = completion) {
            IllegalStateException asked = assertThrows(
                    IllegalStateException.class,
                    () -> completion.complete(PROMPT, piece -> completion.complete("The horse")));
            assertEquals("the completion is answering already", asked.getMessage());
            Answer answer = completion.complete(PROMPT, piece -> completion.close());
            assertEquals(FinishReason.CANCELLED, answer.finishReason());
            IllegalStateException closed = assertThrows(IllegalStateException.class, () -> completion.complete(PROMPT));
            assertEquals("the completion is closed", closed.getMessage());
        }
    }

    /// The answer would take its place in the conversation before, and what was set would be lost.
    @Test
    void whoIsToldOfAnAnswerMayNotChangeWhatWasSaid() throws IOException {
        try (Model chatting = Model.open(withTemplate("changed"), options());
                Chat chat = chatting.chat(GREEDY)) {
            String refused = "the chat is answering already";
            assertEquals(refused, sentence(() -> chat.say("Once", piece -> chat.withSystem("A story."))));
            assertEquals(refused, sentence(() -> chat.say("Once", piece -> chat.resume(List.of()))));
            assertEquals(List.of(), chat.messages());
        }
    }

    @Test
    void whatAListenerThrowsComesBackAsItIs() throws IOException {
        UncheckedIOException broken = new UncheckedIOException(new IOException("nobody reads"));
        IllegalArgumentException confused = new IllegalArgumentException("no such layer");
        try (Completion completion = model.completion(GREEDY)) {
            assertSame(
                    broken,
                    assertThrows(
                            RuntimeException.class,
                            () -> completion.complete(PROMPT, piece -> {
                                throw broken;
                            })));
            completion.observe((layer, position, tokens, k, ids, weights) -> {
                throw confused;
            });
            assertSame(confused, assertThrows(RuntimeException.class, () -> completion.complete("The horse")));
        }
        ImportListener listener = (doneBytes, totalBytes) -> {
            throw broken;
        };
        ModelOptions options = options().withCache(Files.createDirectory(directory.resolve("broken")));
        assertSame(
                broken,
                assertThrows(
                        RuntimeException.class,
                        () -> Model.open(TestData.golden("mixtral"), options.withImportListener(listener))));
        Model.open(TestData.golden("mixtral"), options).close();
    }

    @Test
    void observersSeeWhatRoutersChoose() {
        int[] calls = {0};
        try (Completion completion = model.completion(GREEDY.withMaxTokens(1))) {
            completion.observe((layer, position, tokens, k, ids, weights) -> {
                calls[0]++;
                assertEquals(2, k);
                assertTrue(weights[0] >= weights[1]);
            });
            completion.complete(PROMPT);
        }
        assertEquals(model.info().layers(), calls[0]);
    }

    @Test
    void theGreedyTokenHasTheLargestLogit() {
        int[] prompt = model.encode(PROMPT);
        float[] logits = model.logits(prompt);
        assertEquals(model.info().vocabularySize(), logits.length);
        int largest = 0;
        for (int id = 1; id < logits.length; id++) {
            largest = logits[id] > logits[largest] ? id : largest;
        }
        try (Completion completion = model.completion(GREEDY)) {
            assertEquals(
                    largest, completion.complete(prompt, piece -> {}).tokenIds().getFirst());
        }
    }

    @Test
    void turnsOfAChatAddUp() throws IOException {
        try (Model chatting = Model.open(withTemplate("chatting"), options());
                Chat chat = chatting.chat(GREEDY).withSystem("A story.")) {
            Answer first = chat.say("Once");
            Answer second = chat.say("upon a time");
            assertEquals(
                    List.of(
                            new Message("system", "A story."),
                            new Message("user", "Once"),
                            new Message("assistant", first.text()),
                            new Message("user", "upon a time"),
                            new Message("assistant", second.text())),
                    chat.messages());
            List<Message> before = chat.messages().subList(0, 3);
            try (Chat resumed = chatting.chat(GREEDY).resume(before)) {
                assertEquals(second.text(), resumed.say("upon a time").text());
                assertEquals(second.text(), resumed.sayAgain(piece -> {}).text());
                assertEquals(chat.messages(), resumed.messages());
                List<Message> refused = List.of(new Message("cat", "Meow"), new Message("user", "Once"));
                assertNotPossible("the chat template refuses the conversation: No cats", () -> resumed.resume(refused));
                assertEquals(chat.messages(), resumed.messages());
            }
        }
    }

    private static Path withTemplate(String name) throws IOException {
        Path folder = Files.createDirectory(directory.resolve(name));
        try (Stream<Path> files = Files.list(TestData.tinyMixtral())) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);
        return folder;
    }

    @Test
    void settingsChangeBetweenAnswers() {
        try (Completion completion = model.completion(GREEDY)) {
            Answer whole = completion.complete(PROMPT);
            assertEquals(
                    whole.tokenIds().subList(0, 3),
                    completion
                            .withSettings(GREEDY.withMaxTokens(3))
                            .complete(PROMPT)
                            .tokenIds());
        }
    }

    @Test
    void importsTellHowTheyGo() throws IOException {
        List<Long> done = new ArrayList<>();
        Path cache = Files.createDirectory(directory.resolve("other"));
        ImportListener listener = (doneBytes, totalBytes) -> done.add(totalBytes - doneBytes);
        ModelOptions options = options().withCache(cache).withImportListener(listener);
        Model.open(TestData.golden("mixtral"), options).close();
        assertEquals(0, done.getLast());
        done.clear();
        Model.open(TestData.golden("mixtral"), options).close();
        assertEquals(List.of(), done);
    }

    @Test
    void aModelThatAnInterruptedThreadOpensIsNotCalledDamaged() {
        MoetierException.InputOutput failure;
        boolean interrupted;
        Thread.currentThread().interrupt();
        try {
            failure = assertThrows(
                    MoetierException.InputOutput.class, () -> Model.open(TestData.tinyMixtral(), options()));
        } finally {
            interrupted = Thread.interrupted(); // or the tests behind this one are
        }
        assertTrue(interrupted);
        assertEquals(
                TestData.tinyMixtral().resolve("model.safetensors") + ": cannot be read: interrupted",
                failure.getMessage());
    }

    @Test
    void whatGoesWrongIsNamed() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        MoetierException unwritable = assertThrows(
                MoetierException.InputOutput.class,
                () -> Model.open(TestData.tinyMixtral(), options().withCache(file)));
        assertTrue(String.valueOf(unwritable.getMessage()).startsWith(file + "/"), unwritable::getMessage);
        Path nowhere = directory.resolve("nowhere");
        MoetierException failure = assertThrows(MoetierException.class, () -> Model.open(nowhere, options()));
        assertInstanceOf(MoetierException.MalformedModel.class, failure);
        assertEquals(nowhere + ": no such file or directory", failure.getMessage());
        assertNotPossible(
                "memoryBytes: a budget of 1 byte is too small",
                () -> Model.open(TestData.tinyMixtral(), options().withMemoryBytes(1)));
        assertNotPossible(
                "policy: expected one of lru, lfu,",
                () -> Model.open(TestData.tinyMixtral(), options().withPolicy("best")));
        assertNotPossible(" has no chat template", () -> model.chat());
        assertNotPossible(
                "above 0 and at most 1", () -> AnswerSettings.DEFAULT.withSampling(new Sampling(1, 0, 2, 0, 1, 0)));
        try (Model ids = Model.open(TestData.golden("mixtral"), options())) {
            assertNotPossible(" has no tokenizer", () -> ids.encode("text"));
            assertNotPossible("stops", () -> ids.completion(GREEDY.withStops("x")));
        }
    }

    private static void assertNotPossible(String part, Executable work) {
        MoetierException failure = assertThrows(MoetierException.NotPossible.class, work);
        assertTrue(String.valueOf(failure.getMessage()).contains(part), failure::toString);
    }

    private static String sentence(Executable use) {
        return String.valueOf(assertThrows(IllegalStateException.class, use).getMessage());
    }

    /// A prompt of several passes is first checked for its memory.
    @Test
    void aClosedModelSaysSoWhateverTheLengthOfThePrompt() {
        Model closed = Model.open(TestData.tinyMixtral(), options());
        try (Completion completion = closed.completion(GREEDY)) {
            closed.close();
            for (int length : new int[] {3, 600}) {
                int[] ids = new int[length];
                assertEquals("the engine is closed", sentence(() -> completion.complete(ids, piece -> {})));
            }
        }
    }

    @Test
    void whatIsClosedAnswersNothingMore() throws IOException {
        try (Model chatting = Model.open(withTemplate("closed"), options())) {
            Chat chat = chatting.chat(GREEDY);
            chat.close();
            assertEquals("the chat is closed", sentence(() -> chat.say(PROMPT)));
            assertEquals("the chat is closed", sentence(() -> chat.resume(chat.messages())));
            Completion completion = chatting.completion(GREEDY);
            completion.close();
            assertEquals("the completion is closed", sentence(() -> completion.complete(PROMPT)));
        }
    }
}
