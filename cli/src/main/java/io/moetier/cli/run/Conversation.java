package io.moetier.cli.run;

import io.moetier.cli.models.LoadedModel;
import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.VirtualTime;
import io.moetier.cli.run.LanguageOptions.Translation;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.model.RoutingListener;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.Generator;
import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.session.TextStream;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.runtime.text.LanguageTokens;
import io.moetier.runtime.text.TokenStream;
import io.moetier.runtime.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Prompts and answers over one session: with a chat template the turns add up, without one each prompt is a text of
/// its own.
///
/// Each answer has a sampler of its own, whose window of recent tokens is that of the session and of nothing else.
/// Answer n of a chat, counted from zero, draws with the seed plus n: a chat repeats under its seed without every
/// answer drawing the same numbers. So does one that goes on from a file. What is answered again draws far from there.
///
/// Confined to one thread. Owns its session.
public final class Conversation implements Answerer, AutoCloseable {
    private static final int REDRAW_SHIFT = 32; // further than any number of answers

    private final LoadedModel model;
    private final SamplingOptions options;
    private final Optional<ChatText> chat;
    private final Session session;
    private final long drawnSeed = SamplingOptions.drawSeed(); // where the options say none
    private Translation translation = new Translation(LanguageTokens.NONE, Optional.empty(), Optional.empty());
    private Transcript transcript = Transcript.EMPTY;
    private Optional<Transcript.Question> question = Optional.empty();
    private long numRedraws;
    private @Nullable RunReport report;

    public Conversation(LoadedModel model, SamplingOptions options, Optional<ChatTemplate> template) {
        this.model = model;
        this.options = options;
        this.chat = template.map(of -> new ChatText(model, of));
        if (!options.stops.isEmpty() && model.tokenizer().isEmpty()) {
            throw new IllegalArgumentException("--stop: without a tokenizer there is no text to stop at");
        }
        this.session = model.engine().newSession();
        model.engine().forcedFirstToken().ifPresent(session::beginOutputWith);
    }

    @Override
    public boolean remembers() {
        return chat.isPresent();
    }

    @Override
    public void answer(String userText, Consumer<String> out, BooleanSupplier cancelled) {
        question = Optional.of(new Transcript.Question(remembers() ? transcript : Transcript.EMPTY, userText));
        numRedraws = 0;
        take(question.get(), out, cancelled);
    }

    @Override
    public void answerAgain(Consumer<String> out, BooleanSupplier cancelled) {
        Transcript.Question again =
                question.orElseThrow(() -> new IllegalArgumentException("there is no prompt yet to answer again"));
        numRedraws++;
        take(again, out, cancelled);
    }

    /// Answers a question. Only with an answer it becomes part of what has been said.
    private void take(Transcript.Question asked, Consumer<String> out, BooleanSupplier cancelled) {
        StringBuilder answer = new StringBuilder();
        Consumer<String> keeping = piece -> {
            answer.append(piece);
            out.accept(piece);
        };
        long draw = asked.before().count(Transcript.ASSISTANT) + (numRedraws << REDRAW_SHIFT);
        model.tokens(() -> tokens(asked), cancelled)
                .ifPresentOrElse(tokens -> answer(tokens, draw, keeping, cancelled), this::answerNothing);
        if (!answer.isEmpty()) {
            transcript = asked.asked().with(Transcript.ASSISTANT, answer.toString());
        }
    }

    private ChatText requireChat() {
        return chat.orElseThrow(() -> new IllegalArgumentException(
                "without a chat template each prompt starts afresh: there is no conversation, nor a system message"));
    }

    private int[] tokens(Transcript.Question asked) {
        return chat.map(text -> text.tokens(asked.asked()))
                .orElseGet(() -> translation.from(model.encode(asked.prompt(), true)));
    }

    @Override
    public Transcript transcript() {
        return transcript;
    }

    @Override
    public void instruct(String systemText) {
        if (!systemText.isEmpty()) {
            requireChat().requireSystemRole();
        }
        transcript = transcript.withSystem(systemText);
        question =
                question.map(asked -> new Transcript.Question(asked.before().withSystem(systemText), asked.prompt()));
    }

    @Override
    public void resume(Transcript resumed) {
        ChatText text = requireChat();
        if (resumed.system().isPresent()) {
            text.requireSystemRole();
        }
        Optional<Transcript.Question> last = resumed.lastQuestion();
        last.ifPresent(asked -> text.requireFit(asked.asked()));
        transcript = resumed;
        question = last;
        numRedraws = 0;
    }

    /// Continues `tokens`; without a tokenizer the answer is ids, separated by blanks.
    public void answer(int[] tokens, Consumer<String> out, BooleanSupplier cancelled) {
        answer(tokens, 0, out, cancelled);
    }

    private void answer(int[] tokens, long draw, Consumer<String> out, BooleanSupplier cancelled) {
        SamplingParams params = options.params(seed() + draw);
        int[] added = keepCommonBeginning(tokens);
        RunStats before = model.engine().stats();
        Generator generator = new Generator(session, newSampler(params), endOfSequence());
        List<Integer> ids = new ArrayList<>();
        Optional<VirtualTime> virtual = model.virtual().map(VirtualTime::new);
        int most =
                options.most(chat.isPresent() || model.engine().spec().encoder().isPresent());
        Generator.Outcome outcome;
        Optional<Tokenizer> tokenizer = model.tokenizer();
        if (tokenizer.isPresent()) {
            TextStream text = new TextStream(TokenStream.after(tokens, tokenizer.get(), true), options.stops, out);
            outcome = generator.run(added, most, recording(ids, virtual, text), cancelled);
            if (outcome.reason() != Generator.StopReason.STOP_STRING) {
                text.finish();
            }
        } else {
            IntPredicate print = id -> {
                out.accept(ids.size() > 1 ? " " + id : Integer.toString(id));
                return true;
            };
            outcome = generator.run(added, most, recording(ids, virtual, print), cancelled);
        }
        report = report(outcome, before, ids, virtual);
    }

    /// Notes that the prompt was given up before it had become tokens.
    private void answerNothing() {
        Generator.Outcome nothing = new Generator.Outcome(Generator.StopReason.CANCELLED, 0, 0, 0, 0);
        report = report(nothing, model.engine().stats(), List.of(), Optional.empty());
    }

    private RunReport report(
            Generator.Outcome outcome, RunStats before, List<Integer> ids, Optional<VirtualTime> virtual) {
        return new RunReport(
                model.engine(),
                outcome,
                model.engine().stats().minus(before),
                session.memoryUse(),
                ids,
                seed(),
                options.predict == null,
                virtual);
    }

    private long seed() {
        return options.seed < 0 ? drawnSeed : options.seed;
    }

    @Override
    public void reset() {
        transcript = transcript.withoutTurns();
        question = Optional.empty();
        session.truncate(0);
    }

    /// Has every routing decision reported from now on.
    public void listen(RoutingListener listener) {
        session.listen(listener);
    }

    /// Takes prompts for texts in the source language, and has answers begin with the token of the target language.
    void translate(Translation newTranslation) {
        translation = newTranslation;
        newTranslation.first().ifPresent(session::beginOutputWith);
    }

    /// Returns how many tokens have been computed and kept.
    public int numTokens() {
        return session.position();
    }

    @Override
    public String line() {
        return report().line();
    }

    @Override
    public String stats() {
        return report == null ? "nothing has been answered yet" : report.table().stripTrailing();
    }

    /// Returns what the last answer took.
    ///
    /// @throws IllegalStateException if there was none
    RunReport report() {
        if (report == null) {
            throw new IllegalStateException("nothing has been answered yet");
        }
        return report;
    }

    @Override
    public void close() {
        session.close();
    }

    /// Goes back to where `tokens` and the session part, and returns the tokens after that, at least one.
    private int[] keepCommonBeginning(int[] tokens) {
        if (model.engine().spec().encoder().isPresent()) {
            session.truncate(0); // the session holds the output, not the input
            return tokens;
        }
        int common = Arrays.mismatch(tokens, session.tokens());
        int kept = Math.min(common < 0 ? tokens.length : common, Math.max(0, tokens.length - 1));
        session.truncate(kept);
        return Arrays.copyOfRange(tokens, kept, tokens.length);
    }

    /// Returns a sampler that remembers the tokens of the session; the generator adds those that are appended.
    private Sampler newSampler(SamplingParams params) {
        Engine engine = model.engine();
        Sampler sampler = new Sampler(params, engine.spec().vocabSize(), engine.contextLength());
        for (int token : session.tokens()) {
            sampler.accept(token);
        }
        return sampler;
    }

    private Set<Integer> endOfSequence() {
        return options.ignoreEos ? Set.of() : model.engine().endOfSequence();
    }

    private static IntPredicate recording(List<Integer> ids, Optional<VirtualTime> virtual, IntPredicate next) {
        IntPredicate recording = id -> {
            ids.add(id);
            return next.test(id);
        };
        return virtual.map(clock -> clock.watch(recording)).orElse(recording);
    }
}
