package io.moetier.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.PdfFileContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.moetier.AnswerSettings;
import io.moetier.Model;
import io.moetier.ModelOptions;
import io.moetier.MoetierException;
import io.moetier.Sampling;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What LangChain4j's tests leave open, on the small trained model with a chat template.
class MoetierChatModelTest {
    private static final String TEMPLATE = """
            {%- for m in messages %}
            {%- if not loop.first and m.role == 'system' %}{{ raise_exception('The system speaks first') }}{% endif -%}
            [{{ m.role }}: {{ m.content }}]{{ ' ' }}
            {%- endfor %}""";
    private static final ChatMessage HORSE = UserMessage.from("The horse");

    @TempDir
    static Path folder = Path.of("");

    private static Optional<Model> opened = Optional.empty();

    @BeforeAll
    static void open() throws IOException {
        Path chatting = Files.createDirectory(folder.resolve("chatting"));
        try (Stream<Path> files = Files.list(TestData.tinyMixtral())) {
            for (Path file : files.toList()) {
                Files.copy(file, chatting.resolve(file.getFileName()));
            }
        }
        Files.writeString(chatting.resolve("chat_template.jinja"), TEMPLATE);
        opened = Optional.of(Model.open(chatting, options()));
    }

    @AfterAll
    static void close() {
        opened.ifPresent(Model::close);
    }

    private static ModelOptions options() {
        return ModelOptions.DEFAULT.withCache(folder.resolve("cache")).withThreads(1);
    }

    private static Model model() {
        return opened.orElseThrow();
    }

    private static MoetierBuilder<MoetierChatModel> chatting() {
        return MoetierChatModel.builder().model(model()).maxOutputTokens(8);
    }

    @Test
    void aRequestIsWhatAChatOfTheLibraryIs() {
        AnswerSettings settings = AnswerSettings.DEFAULT.withSeed(3).withMaxTokens(8);
        try (MoetierChatModel asked = chatting().seed(3).build();
                io.moetier.Chat chat = model().chat(settings).withSystem("A story.")) {
            io.moetier.Answer first = chat.say("The horse");
            io.moetier.Answer second = chat.say("and then");
            List<ChatMessage> messages = new ArrayList<>(List.of(SystemMessage.from("A story."), HORSE));
            ChatResponse response = asked.chat(messages);
            assertEquals(first.text(), response.aiMessage().text());
            assertEquals(new TokenUsage(first.promptLength(), 8), response.tokenUsage());
            assertEquals(FinishReason.LENGTH, response.finishReason());
            assertEquals("mixtral", response.modelName());
            messages.add(response.aiMessage());
            messages.add(UserMessage.from(TextContent.from("and then")));
            ChatResponse next = asked.chat(messages);
            assertEquals(second.text(), next.aiMessage().text());
            assertEquals(new TokenUsage(second.promptLength(), 8), next.tokenUsage(), "of the whole prompt");
            assertNotEquals(response.id(), next.id());
        }
    }

    @Test
    void parametersOfARequestGoBeforeThoseOfTheModel() {
        AnswerSettings greedy = AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY);
        try (MoetierChatModel drawing = chatting().temperature(5).build();
                MoetierChatModel always = chatting().settings(greedy).build()) {
            ChatRequestParameters zero =
                    ChatRequestParameters.builder().temperature(0.0).build();
            ChatRequest request =
                    ChatRequest.builder().messages(HORSE).parameters(zero).build();
            assertEquals(
                    always.chat(HORSE).aiMessage().text(),
                    drawing.chat(request).aiMessage().text());
        }
    }

    @Test
    void withoutASeedAnAnswerIsAnotherEachTime() {
        try (MoetierChatModel asked = chatting().temperature(5).build()) {
            String first = asked.chat("The horse");
            assertTrue(Stream.generate(() -> asked.chat("The horse")).limit(5).anyMatch(text -> !text.equals(first)));
        }
    }

    @Test
    void threadsWaitForTheirTurn() throws InterruptedException {
        try (MoetierChatModel asked = chatting().seed(1).build()) {
            String expected = asked.chat("The horse");
            List<String> answers = Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = Stream.generate(
                            () -> Thread.ofPlatform().unstarted(() -> answers.add(asked.chat("The horse"))))
                    .limit(3)
                    .toList();
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(expected, expected, expected), answers);
        }
    }

    static Stream<List<ChatMessage>> whatIsRefused() {
        ToolExecutionRequest tool = ToolExecutionRequest.builder()
                .id("1")
                .name("add")
                .arguments("{}")
                .build();
        AiMessage drawn = AiMessage.builder()
                .attributes(Map.of(
                        "generated_images",
                        List.of(Image.builder().url("https://example.org/a.png").build())))
                .build();
        return Stream.of(
                List.of(HORSE, AiMessage.from("neighs")),
                List.of(HORSE, drawn, HORSE),
                List.of(HORSE, AiMessage.from(tool), ToolExecutionResultMessage.from(tool, "2")),
                List.of(UserMessage.from(PdfFileContent.from("https://example.org/a.pdf"))));
    }

    @ParameterizedTest
    @MethodSource("whatIsRefused")
    void whatMoetierHasNotIsRefusedInASentence(List<ChatMessage> messages) {
        try (MoetierChatModel asked = chatting().build()) {
            UnsupportedFeatureException refused =
                    assertThrows(UnsupportedFeatureException.class, () -> asked.chat(messages));
            assertTrue(String.valueOf(refused.getMessage()).startsWith("Moetier does not support "));
        }
    }

    @Test
    void penaltiesAreRefusedWhenAModelIsBuilt() {
        for (ChatRequestParameters parameters : List.of(
                ChatRequestParameters.builder().frequencyPenalty(1.0).build(),
                ChatRequestParameters.builder().presencePenalty(1.0).build())) {
            assertThrows(
                    UnsupportedFeatureException.class,
                    () -> chatting().defaultRequestParameters(parameters).build());
        }
    }

    @Test
    void whatIsOutOfRangeIsNamed() {
        ChatRequestParameters below =
                ChatRequestParameters.builder().temperature(-1.0).build();
        try (MoetierChatModel asked = chatting().build()) {
            ChatRequest request =
                    ChatRequest.builder().messages(HORSE).parameters(below).build();
            assertOutOfRange(() -> asked.chat(request));
            InvalidRequestException refused = assertThrows(
                    InvalidRequestException.class, () -> asked.chat(HORSE, SystemMessage.from("A story."), HORSE));
            String why = "refuses the conversation: The system speaks first";
            assertTrue(String.valueOf(refused.getMessage()).endsWith(why), refused::toString);
        }
        MoetierBuilder<MoetierChatModel> nowhere = MoetierChatModel.builder().path(folder.resolve("nowhere"));
        assertOutOfRange(nowhere.temperature(-1)::build);
    }

    private static void assertOutOfRange(Executable asking) {
        InvalidRequestException refused = assertThrows(InvalidRequestException.class, asking);
        assertEquals("temperature: expected 0 or more, found -1.0", refused.getMessage());
    }

    @Test
    void aModelIsGivenOrOpenedAndHasATemplate() {
        assertThrows(
                IllegalArgumentException.class, () -> MoetierChatModel.builder().build());
        assertThrows(
                IllegalArgumentException.class,
                () -> chatting().path(TestData.tinyMixtral()).build());
        MoetierException refused = assertThrows(
                MoetierException.NotPossible.class,
                () -> MoetierChatModel.builder()
                        .path(TestData.tinyMixtral())
                        .options(options())
                        .build());
        assertTrue(String.valueOf(refused.getMessage()).contains(" has no chat template"));
    }

    /// As Gemma 4 writes them. What is sent back as it came is given to the template without them.
    @Test
    void thoughtsInChannelsStandBetweenMarksAndAreNoPartOfTheConversation() throws IOException {
        Path thinking = Parrot.write(folder.resolve("thinking"), "<|channel> thought\n Neighs? <channel|> Neighs.");
        try (MoetierChatModel asked =
                MoetierChatModel.builder().path(thinking).options(options()).build()) {
            ChatResponse first = asked.chat(HORSE);
            assertEquals(
                    "<think>\nNeighs?\n</think>\n\nNeighs.",
                    first.aiMessage().text().replace(" ", ""));
            assertEquals(5, first.tokenUsage().outputTokenCount());
            int asWords = "user : The horse assistant : Neighs. user : Why? >".split(" ", -1).length;
            ChatResponse second = asked.chat(HORSE, first.aiMessage(), UserMessage.from("Why?"));
            assertEquals(asWords, second.tokenUsage().inputTokenCount());
        }
    }

    @Test
    void whoOpensAModelClosesIt() {
        MoetierChatModel borrowed = chatting().build();
        borrowed.close();
        assertThrows(IllegalStateException.class, () -> borrowed.chat("The horse"));
        try (MoetierChatModel another = chatting().build()) {
            assertFalse(another.chat("The horse").isEmpty());
        }
        MoetierChatModel owner = MoetierChatModel.builder()
                .path(folder.resolve("chatting"))
                .options(options())
                .maxOutputTokens(2)
                .build();
        assertEquals("chatting", owner.chat(HORSE).modelName());
        owner.close();
        owner.close();
    }

    /// Collects what a handler is told.
    private static final class Told implements StreamingChatResponseHandler {
        private final CompletableFuture<ChatResponse> ended = new CompletableFuture<>();
        private final CompletableFuture<PartialResponseContext> first = new CompletableFuture<>();
        private final CountDownLatch goOn;

        Told(CountDownLatch goOn) {
            this.goOn = goOn;
        }

        @Override
        public void onPartialResponse(PartialResponse partialResponse, PartialResponseContext context) {
            first.complete(context);
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onCompleteResponse(ChatResponse completeResponse) {
            ended.complete(completeResponse);
        }

        @Override
        public void onError(Throwable error) {
            ended.completeExceptionally(error);
        }
    }

    private static MoetierStreamingChatModel streaming() {
        return MoetierStreamingChatModel.builder()
                .model(model())
                .seed(1)
                .maxOutputTokens(8)
                .build();
    }

    @Test
    void aCancelledAnswerLetsTheNextOneBegin() throws ExecutionException, InterruptedException {
        try (MoetierStreamingChatModel asked = streaming()) {
            CountDownLatch goOn = new CountDownLatch(1);
            Told cancelled = new Told(goOn);
            Told next = new Told(new CountDownLatch(0));
            asked.chat("The horse", cancelled);
            PartialResponseContext context = cancelled.first.get();
            asked.chat("The horse", next);
            context.streamingHandle().cancel();
            goOn.countDown();
            assertEquals(8, next.ended.get().tokenUsage().outputTokenCount());
            context.streamingHandle().cancel();
            assertTrue(context.streamingHandle().isCancelled());
            assertFalse(cancelled.ended.isDone());
        }
    }

    @Test
    void closingEndsTheAnswerUnderWay() throws ExecutionException, InterruptedException {
        MoetierStreamingChatModel asked = streaming();
        CountDownLatch goOn = new CountDownLatch(1);
        Told told = new Told(goOn);
        asked.chat("The horse", told);
        told.first.get();
        Thread closing = Thread.ofPlatform().start(asked::close);
        goOn.countDown();
        closing.join();
        assertTrue(told.ended.get().tokenUsage().outputTokenCount() <= 8);
        Told late = new Told(goOn);
        asked.chat("The horse", late);
        assertThrows(ExecutionException.class, late.ended::get);
    }

    private static Turns turns(io.moetier.Chat chat, @Nullable Model owned) {
        AnswerSettings settings = AnswerSettings.DEFAULT.withMaxTokens(8);
        return new Turns(
                chat,
                owned,
                new Requests("mixtral", settings),
                ChatRequestParameters.builder().build(),
                List.of());
    }

    /// Messages that wait before they are read.
    private static final class Held extends AbstractList<io.moetier.Message> {
        private final CountDownLatch asked = new CountDownLatch(1);
        private final CountDownLatch goOn = new CountDownLatch(1);

        @Override
        public Stream<io.moetier.Message> stream() {
            asked.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return super.stream();
        }

        @Override
        public io.moetier.Message get(int index) {
            throw new IndexOutOfBoundsException(index);
        }

        @Override
        public int size() {
            return 0;
        }
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
    }

    @Test
    void closingEndsTheAnswerThatIsBeingPrepared() throws ExecutionException, InterruptedException {
        AtomicInteger layers = new AtomicInteger();
        io.moetier.Chat chat = model().chat();
        Turns turns = turns(chat, null);
        AtomicBoolean staysInterrupted = new AtomicBoolean();
        Thread closing = Thread.ofPlatform().unstarted(() -> {
            turns.close();
            staysInterrupted.set(Thread.currentThread().isInterrupted());
        });
        chat.observe((layer, first, tokens, k, experts, weights) -> {
            if (layers.incrementAndGet() == 1) {
                closing.interrupt();
                while (closing.isInterrupted()) {
                    Thread.onSpinWait();
                }
                awaitWaiting(closing); // once more
            }
        });
        Held before = new Held();
        Question question = new Question(before, "The horse", AnswerSettings.DEFAULT.withMaxTokens(8));
        FutureTask<ChatResponse> answer = new FutureTask<>(() -> turns.answer(question, piece -> {}));
        Thread.ofPlatform().start(answer);
        before.asked.await();
        closing.start();
        awaitWaiting(closing);
        closing.interrupt();
        before.goOn.countDown();
        closing.join();
        assertEquals(FinishReason.OTHER, answer.get().finishReason());
        assertTrue(layers.get() <= 1, "none if it was cancelled again before the first one");
        assertTrue(staysInterrupted.get());
    }

    @Test
    void whoIsToldOfAnAnswerMayClose() {
        Model owned = Model.open(folder.resolve("chatting"), options());
        Turns turns = turns(owned.chat(), owned);
        Question question = new Question(List.of(), "The horse", AnswerSettings.DEFAULT.withMaxTokens(8));
        ChatResponse response = turns.answer(question, piece -> turns.close());
        assertEquals(FinishReason.OTHER, response.finishReason());
        assertEquals(
                "the engine is closed",
                assertThrows(IllegalStateException.class, () -> owned.logits(1)).getMessage());
        assertEquals(
                "the model is closed",
                assertThrows(IllegalStateException.class, () -> turns.answer(question, piece -> {}))
                        .getMessage());
        turns.close();
    }
}
