package io.moetier.runtime.chat;

import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.Generator;
import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.session.TextStream;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.runtime.text.TokenStream;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/// Prompts and answers over one session: with a chat template the turns add up, without one each prompt is a text of
/// its own.
///
/// Each answer has a sampler of its own, whose window of recent tokens is that of the session and of nothing else.
/// Answer n of a chat, counted from zero, draws with the seed plus n: a chat repeats under its seed without every
/// answer drawing the same numbers. So does one that goes on from a file. What is answered again draws far from there.
/// Prompts that are no chat all draw with the seed; where none is said, each with another one.
///
/// Confined to one thread. Owns its session.
public final class Conversation implements AutoCloseable {
    private static final int REDRAW_SHIFT = 32; // further than any number of answers

    private final LoadedModel model;
    private final Supplier<AnswerOptions> options;
    private final Optional<ChatText> chat;
    private final Optional<Channels.Marks> channels; // of a model that answers in some
    private final Session session;
    private final long drawnSeed = drawSeed(); // of a chat where the options say none
    private Translation translation = Translation.NONE;
    private IntConsumer onToken = token -> {};
    private Transcript transcript = Transcript.EMPTY;
    private Optional<Transcript.Question> question = Optional.empty();
    private ReadPictures pictures = ReadPictures.NONE;
    private List<SeenPrompt.Place> shown = List.of(); // in the session
    private long numRedraws;

    /// @param options asked before each answer
    /// @param template how turns are written; without one each prompt is a text of its own
    /// @throws IllegalArgumentException if answers are to end at texts, but the model came without a tokenizer
    public Conversation(LoadedModel model, Supplier<AnswerOptions> options, Optional<ChatTemplate> template) {
        this.model = model;
        this.options = options;
        this.channels = template.flatMap(_ -> model.tokenizer()).flatMap(Channels.Marks::of);
        this.chat = template.map(of -> new ChatText(of, channels.isPresent()));
        requireStops(options.get());
        this.session = model.engine().newSession();
        model.engine().forcedFirstToken().ifPresent(session::beginOutputWith);
    }

    private void requireStops(AnswerOptions now) {
        if (!now.stops().isEmpty() && model.tokenizer().isEmpty()) {
            throw new InvalidOptionException("stops", "without a tokenizer there is no text to stop at");
        }
    }

    /// Says whether prompts and answers add up; else each prompt starts afresh.
    public boolean remembers() {
        return chat.isPresent();
    }

    /// Answers `userText`, piece by piece, until the answer ends or `cancelled` says so.
    ///
    /// @throws IllegalArgumentException if it does not fit into the context
    public Reply answer(String userText, Consumer<String> out, BooleanSupplier cancelled) {
        return answer(userText, List.of(), out, cancelled);
    }

    /// Answers `userText`, which shows pictures: where it has marks, else before it. A mark is [ChatMessage#MARK], or
    /// what the model's tokenizer has for one.
    ///
    /// @throws IllegalArgumentException if it does not fit into the context, the model reads no images, or
    ///     marks are not as many as pictures
    /// @throws io.moetier.runtime.image.UnreadablePictureException if the size of a picture is refused
    public Reply answer(String userText, List<Picture> toShow, Consumer<String> out, BooleanSupplier cancelled) {
        ChatMessage message = SeenPrompt.message(model, userText, toShow);
        question = Optional.of(new Transcript.Question(remembers() ? transcript : Transcript.EMPTY, message));
        numRedraws = 0;
        return take(question.get(), out, cancelled);
    }

    /// Answers the last prompt again, with another draw; the answer takes the place of the former one.
    ///
    /// @throws IllegalArgumentException if there was no prompt
    public Reply answerAgain(Consumer<String> out, BooleanSupplier cancelled) {
        Transcript.Question again =
                question.orElseThrow(() -> new IllegalArgumentException("there is no prompt yet to answer again"));
        numRedraws++;
        return take(again, out, cancelled);
    }

    /// Answers a question. Only with an answer it becomes part of what has been said.
    private Reply take(Transcript.Question asked, Consumer<String> out, BooleanSupplier cancelled) {
        long draw = asked.before().count(Transcript.ASSISTANT) + (numRedraws << REDRAW_SHIFT);
        ReadPictures known = pictures;
        Reply reply = model.tokens(() -> read(asked, known), cancelled)
                .map(prompt -> answer(prompt, chat.isPresent(), draw, out, cancelled))
                .orElseGet(this::nothing);
        if (!reply.text().isEmpty()) {
            transcript = asked.asked().with(Transcript.ASSISTANT, reply.text());
        }
        return reply;
    }

    private ChatText requireChat() {
        return chat.orElseThrow(() -> new IllegalArgumentException(
                "without a chat template each prompt starts afresh: there is no conversation, nor a system message"));
    }

    /// Returns the tokens of a question; beside another thread, which it may outlive, so that it changes nothing.
    private SeenPrompt read(Transcript.Question asked, ReadPictures known) {
        List<ChatMessage> said = remembers() ? asked.asked().messages() : List.of(asked.prompt());
        List<Picture> all =
                said.stream().flatMap(message -> message.pictures().stream()).toList();
        return SeenPrompt.read(model, known.with(all, model), mark -> text(asked, mark), this::encode);
    }

    private String text(Transcript.Question asked, String mark) {
        return chat.map(template -> template.text(asked.asked()))
                .orElseGet(() -> asked.prompt().withMarks(mark));
    }

    private int[] encode(String text) {
        return remembers() ? model.encode(text, false) : translation.from(model.encode(text, true));
    }

    /// Returns what has been said.
    public Transcript transcript() {
        return transcript;
    }

    /// Begins the conversation with this system message from the next answer on; with none if it is empty.
    ///
    /// @throws IllegalArgumentException if the model takes none
    public void instruct(String systemText) {
        if (!systemText.isEmpty()) {
            requireChat().requireSystemRole();
        }
        transcript = transcript.withSystem(systemText);
        question =
                question.map(asked -> new Transcript.Question(asked.before().withSystem(systemText), asked.prompt()));
    }

    /// Goes on from `resumed` instead of what has been said.
    ///
    /// @throws IllegalArgumentException if that cannot be; then nothing has changed
    public void resume(Transcript resumed) {
        ChatText text = requireChat();
        if (resumed.system().isPresent()) {
            text.requireSystemRole();
        }
        Optional<Transcript.Question> last = resumed.lastQuestion();
        last.ifPresent(this::requireFit);
        transcript = resumed;
        question = last;
        numRedraws = 0;
    }

    private void requireFit(Transcript.Question asked) {
        int most = model.engine().contextLength();
        int length = read(asked, pictures).tokens().length;
        if (length >= most) {
            throw new IllegalArgumentException(
                    "the conversation has " + length + " tokens, which the context of " + most + " cannot continue");
        }
    }

    /// Continues `tokens`; without a tokenizer the answer is ids, separated by blanks.
    public Reply answer(int[] tokens, Consumer<String> out, BooleanSupplier cancelled) {
        return answer(SeenPrompt.of(tokens), false, 0, out, cancelled);
    }

    /// Continues `tokens`, whose image tokens are those of `images`, in order; one that stands alone is repeated as
    /// often as its image needs.
    ///
    /// @throws IllegalArgumentException if the model reads no images, or the image tokens are not those of the
    ///     images
    public Reply answer(int[] tokens, List<ImagePatches> images, Consumer<String> out, BooleanSupplier cancelled) {
        if (images.isEmpty()) {
            return answer(tokens, out, cancelled);
        }
        SeenPrompt prompt = SeenPrompt.of(model.engine().withImageTokens(tokens, images), images);
        return answer(prompt, false, 0, out, cancelled);
    }

    /// @param asChat whether the prompt is what a chat template made, and not a text to be continued
    private Reply answer(
            SeenPrompt prompt, boolean asChat, long draw, Consumer<String> out, BooleanSupplier cancelled) {
        AnswerOptions now = options.get();
        requireStops(now);
        long seed = now.seed().orElseGet(asChat ? () -> drawnSeed : Conversation::drawSeed);
        int[] tokens = prompt.tokens();
        int[] added = keepCommonBeginning(prompt);
        if (!look(prompt, added, cancelled)) {
            return nothing();
        }
        RunStats before = model.engine().stats();
        Sampler sampler = newSampler(now.sampling().withSeed(seed + draw));
        Generator generator = new Generator(session, sampler, endOfSequence(now));
        int most = now.most(asChat || model.engine().spec().encoder().isPresent());
        Pieces pieces = new Pieces(out);
        Generator.Outcome outcome = model.tokenizer()
                .map(tokenizer -> {
                    TokenStream stream = TokenStream.after(tokens, tokenizer, true);
                    Optional<Channels> parts =
                            channels.filter(_ -> asChat).map(marks -> new Channels(marks, tokenizer, pieces));
                    Consumer<String> sink = parts.isPresent() ? parts.get() : pieces;
                    TextStream text = new TextStream(stream, now.stops(), sink);
                    IntPredicate taker = parts.isPresent() ? parts.get().before(text) : text;
                    Generator.Outcome ended = generator.run(added, most, pieces.noting(onToken, taker), cancelled);
                    if (ended.reason() != Generator.StopReason.STOP_STRING) {
                        text.finish();
                    }
                    return ended;
                })
                .orElseGet(() -> generator.run(added, most, pieces.noting(onToken, pieces::addId), cancelled));
        return new Reply(
                pieces.text(),
                tokens.length,
                outcome,
                model.engine().stats().minus(before),
                session.memoryUse(),
                pieces.ids(),
                seed);
    }

    /// Returns the reply to a prompt that was given up before it had become tokens.
    private Reply nothing() {
        Generator.Outcome nothing = new Generator.Outcome(Generator.StopReason.CANCELLED, 0, 0, 0, 0);
        long seed = options.get().seed().orElse(drawnSeed);
        return new Reply("", 0, nothing, RunStats.NONE, session.memoryUse(), List.of(), seed);
    }

    /// Returns a seed that is another one each time.
    public static long drawSeed() {
        return new SplittableRandom().nextInt(Integer.MAX_VALUE);
    }

    /// Forgets prompts and answers.
    public void reset() {
        transcript = transcript.withoutTurns();
        question = Optional.empty();
        session.truncate(0);
    }

    /// Registers who is told of every routing decision from now on.
    public void listen(RoutingListener listener) {
        session.listen(listener);
    }

    /// Reports each token of an answer from now on, before its text.
    public void onToken(IntConsumer newOnToken) {
        onToken = newOnToken;
    }

    /// Takes prompts for texts in the source language, and begins answers with the token of the target language.
    public void translate(Translation newTranslation) {
        translation = newTranslation;
        newTranslation.first().ifPresent(session::beginOutputWith);
    }

    /// Returns how many tokens have been computed and kept.
    public int numTokens() {
        return session.position();
    }

    @Override
    public void close() {
        session.close();
    }

    /// Goes back to where the prompt and the session part, and returns the tokens after that, at least one.
    private int[] keepCommonBeginning(SeenPrompt prompt) {
        int[] tokens = prompt.tokens();
        if (model.engine().spec().encoder().isPresent()) {
            session.truncate(0); // the session holds the output, not the input
            return tokens;
        }
        int kept = prompt.kept(session.tokens(), shown);
        session.truncate(kept);
        return Arrays.copyOfRange(tokens, kept, tokens.length);
    }

    /// Has the tower read what is shown among the tokens that will be added, and forget what it read for others.
    private boolean look(SeenPrompt prompt, int[] added, BooleanSupplier cancelled) {
        if (model.engine().spec().vision().isEmpty()) {
            return true;
        }
        pictures = prompt.pictures().withoutPixels();
        shown = prompt.places();
        return session.look(added, prompt.patchesFrom(session.position()), cancelled);
    }

    /// Returns a sampler that remembers the tokens of the session; the generator adds those that are appended.
    private Sampler newSampler(SamplingParams params) {
        Engine engine = model.engine();
        Sampler sampler =
                new Sampler(params, engine.spec().vocabSize(), engine.contextLength(), engine.suppressedTokens());
        for (int token : session.tokens()) {
            sampler.accept(token);
        }
        return sampler;
    }

    private Set<Integer> endOfSequence(AnswerOptions now) {
        return now.ignoresEndOfSequence() ? Set.of() : model.engine().endOfSequence();
    }
}
