package io.moetier.cli;

import io.moetier.engine.metrics.RunStats;
import io.moetier.engine.session.Engine;
import io.moetier.engine.session.Generator;
import io.moetier.engine.session.Sampler;
import io.moetier.engine.session.SamplingParams;
import io.moetier.engine.session.Session;
import io.moetier.engine.session.TextStream;
import io.moetier.engine.text.ChatMessage;
import io.moetier.engine.text.ChatTemplate;
import io.moetier.engine.text.TokenStream;
import io.moetier.engine.text.Tokenizer;
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
/// Confined to one thread. Owns its session.
final class Conversation implements Answerer, AutoCloseable {
    private final LoadedModel model;
    private final SamplingOptions options;
    private final SamplingParams params;
    private final Optional<ChatTemplate> template;
    private final Set<Integer> endOfSequence;
    private final Session session;
    private final List<ChatMessage> messages = new ArrayList<>();
    private Sampler sampler;
    private @Nullable RunReport report;

    Conversation(LoadedModel model, SamplingOptions options, Optional<ChatTemplate> template) {
        this.model = model;
        this.options = options;
        this.params = options.params();
        this.template = template;
        this.endOfSequence = options.ignoreEos ? Set.of() : model.engine().endOfSequence();
        this.session = model.engine().newSession();
        this.sampler = newSampler();
    }

    @Override
    public void answer(String userText, Consumer<String> out, BooleanSupplier cancelled) {
        Tokenizer tokenizer = model.requireTokenizer();
        if (template.isEmpty()) {
            answer(tokenizer.encode(userText, true), out, cancelled);
            return;
        }
        messages.add(new ChatMessage("user", userText));
        StringBuilder answer = new StringBuilder();
        try {
            int[] tokens = tokenizer.encode(template.get().render(messages, true), false);
            answer(
                    tokens,
                    piece -> {
                        answer.append(piece);
                        out.accept(piece);
                    },
                    cancelled);
        } finally {
            if (answer.isEmpty()) {
                messages.removeLast(); // a turn that failed is not part of what follows
            } else {
                messages.add(new ChatMessage("assistant", answer.toString()));
            }
        }
    }

    /// Continues `tokens`; without a tokenizer the answer is ids, separated by blanks.
    void answer(int[] tokens, Consumer<String> out, BooleanSupplier cancelled) {
        int[] added = keepCommonBeginning(tokens);
        RunStats before = model.engine().stats();
        Generator generator = new Generator(session, sampler, endOfSequence);
        List<Integer> ids = new ArrayList<>();
        Generator.Outcome outcome;
        Optional<Tokenizer> tokenizer = model.tokenizer();
        if (tokenizer.isPresent()) {
            TextStream text = new TextStream(TokenStream.after(tokens, tokenizer.get(), true), options.stops, out);
            outcome = generator.run(added, options.predict, recording(ids, text), cancelled);
            if (outcome.reason() != Generator.StopReason.STOP_STRING) {
                text.finish();
            }
        } else {
            IntPredicate print = id -> {
                out.accept(ids.size() > 1 ? " " + id : Integer.toString(id));
                return true;
            };
            outcome = generator.run(added, options.predict, recording(ids, print), cancelled);
        }
        report = new RunReport(model.engine(), outcome, model.engine().stats().minus(before), ids, params.seed());
    }

    @Override
    public void reset() {
        messages.clear();
        session.truncate(0);
        sampler = newSampler();
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
        int common = Arrays.mismatch(tokens, session.tokens());
        int kept = Math.min(common < 0 ? tokens.length : common, Math.max(0, tokens.length - 1));
        session.truncate(kept);
        return Arrays.copyOfRange(tokens, kept, tokens.length);
    }

    private Sampler newSampler() {
        Engine engine = model.engine();
        return new Sampler(params, engine.spec().vocabSize(), engine.contextLength());
    }

    private static IntPredicate recording(List<Integer> ids, IntPredicate next) {
        return id -> {
            ids.add(id);
            return next.test(id);
        };
    }
}
