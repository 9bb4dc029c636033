package io.moetier.cli.perplexity;

import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.Session;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/// Measures how well a model predicts a text, and how far its predictions are from those of a reference.
final class Perplexity {
    private static final int POSITIONS = 128; // of a reference whose predictions are held at once

    /// What happens in front of what each of the two computes, where both are one engine.
    interface Turns {
        Turns NONE = new Turns() {
            @Override
            public void ofReference() {}

            @Override
            public void ofModel() {}
        };

        void ofReference();

        void ofModel();
    }

    private final Windows windows;
    private final LoadedModel model;
    private final @Nullable LoadedModel reference;
    private final double[] logProbs;
    private final float[] references;
    private final Mean loss = new Mean();
    private final Mean referenceLoss = new Mean();
    private final Divergence divergence = new Divergence();
    private final Turns turns;

    Perplexity(Windows windows, LoadedModel model, @Nullable LoadedModel reference) {
        this(windows, model, reference, Turns.NONE);
    }

    Perplexity(Windows windows, LoadedModel model, @Nullable LoadedModel reference, Turns turns) {
        this.turns = turns;
        this.windows = windows;
        this.model = model;
        this.reference = reference;
        ModelSpec spec = model.engine().spec();
        if (spec.encoder().isPresent()) {
            throw new IllegalArgumentException("perplexity continues a text, but " + spec.family()
                    + " has an encoder, which reads a text and answers with another");
        }
        int vocabSize = spec.vocabSize();
        this.logProbs = new double[vocabSize];
        this.references = new float[reference == null ? 0 : Math.multiplyExact(POSITIONS, vocabSize)];
    }

    /// Scores every window and tells `progress` how many are done.
    void run(IntConsumer progress) {
        try (Session session = model.engine().newSession(windows.length());
                Session other = reference == null ? null : reference.engine().newSession(windows.length())) {
            for (int i = 0; i < windows.count(); i++) {
                score(windows.window(i), session, other);
                progress.accept(i + 1);
            }
        }
    }

    /// Returns the figures for people.
    String table() {
        Table table = Table.ofFacts()
                .row(
                        "tokens scored",
                        loss.count() + " in " + Plural.of(windows.count(), "window") + " of " + windows.length());
        addPerplexity(table, "perplexity", loss);
        ExpertsUsed used = ExpertsUsed.of(model.engine(), model.engine().stats());
        table.row("experts used", used.words());
        if (reference != null) {
            addPerplexity(table, "  of the reference", referenceLoss);
            divergence.addTo(table);
        }
        return table.toString();
    }

    /// Returns the figures under the names that `--json` prints.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("ctx", windows.length());
        fields.put("windows", windows.count());
        fields.put("tokens_scored", loss.count());
        putPerplexity(fields, loss);
        fields.putAll(ExpertsUsed.of(model.engine(), model.engine().stats()).fields());
        if (reference != null) {
            Map<String, Object> compared = new LinkedHashMap<>();
            putPerplexity(compared, referenceLoss);
            compared.putAll(divergence.fields());
            fields.put("reference", compared);
        }
        return fields;
    }

    /// Returns how many tokens were scored.
    long scored() {
        return loss.count();
    }

    /// Returns how far the model's predictions are from those of the reference.
    Divergence divergence() {
        return divergence;
    }

    private void score(int[] window, Session session, @Nullable Session other) {
        int begin = windows.unscored();
        int end = window.length - 1; // the last token has no successor
        int[] unscored = Arrays.copyOf(window, begin);
        if (other != null) {
            turns.ofReference();
            restart(other, unscored);
        }
        turns.ofModel();
        restart(session, unscored);
        for (int from = begin; from < end; from += POSITIONS) {
            int start = from;
            int[] part = Arrays.copyOfRange(window, from, Math.min(from + POSITIONS, end));
            if (other != null) {
                turns.ofReference();
                other.prefill(part, (position, logits) -> keep(position - start, logits, window[position + 1]));
            }
            turns.ofModel();
            Session.LogitsSink compared = (position, logits) -> compare(position - start, logits, window[position + 1]);
            if (model.engine().loss().isLimited()) {
                oneByOne(session, part, compared); // nothing is left out of prompts
            } else {
                session.prefill(part, compared);
            }
        }
    }

    private static void oneByOne(Session session, int[] tokens, Session.LogitsSink sink) {
        for (int token : tokens) {
            session.decode(token);
            sink.accept(session.position() - 1, session.logits());
        }
    }

    private static void restart(Session session, int[] tokens) {
        session.truncate(0);
        session.prefill(tokens);
    }

    private void keep(int row, float[] logits, int next) {
        normalize(logits);
        referenceLoss.add(-logProbs[next]);
        for (int i = 0; i < logProbs.length; i++) {
            references[row * logProbs.length + i] = (float) logProbs[i];
        }
    }

    private void compare(int row, float[] logits, int next) {
        normalize(logits);
        loss.add(-logProbs[next]);
        if (reference != null) {
            divergence.add(logProbs, references, row * logProbs.length, next);
        }
    }

    /// Turns logits into the logarithms of probabilities.
    private void normalize(float[] logits) {
        float most = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            most = Math.max(most, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - most);
        }
        double logSum = most + Math.log(sum);
        for (int i = 0; i < logits.length; i++) {
            logProbs[i] = logits[i] - logSum;
        }
    }

    private static void addPerplexity(Table table, String name, Mean loss) {
        double perplexity = Math.exp(loss.value());
        table.row(name, PerplexityCommand.plusMinus(perplexity, perplexity * loss.error()));
    }

    private static void putPerplexity(Map<String, Object> fields, Mean loss) {
        double perplexity = Math.exp(loss.value());
        fields.put("perplexity", perplexity);
        fields.put("perplexity_error", perplexity * loss.error());
    }
}
