package io.moetier.cli.bench;

import io.moetier.cli.doctor.Diagnosis;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.session.Session;
import io.moetier.storage.memory.ByteSize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;

/// Measures Moetier and another engine on the same tokens, in turns, and the speed of memory in between.
///
/// Generation is given its tokens and nothing is sampled: both engines compute the logits after each token and drop
/// them. The share of memory's speed that it uses is that of the median token in the median pass over memory, and there
/// are passes before and after generating: what else happens to the machine then happens to both.
final class Comparison implements AutoCloseable {
    private static final int PASSES = 4;

    private final LoadedModel model;
    private final Session session;
    private final Peer peer;
    private final MemoryBandwidth memory;
    private final int threads;
    private final long tokenBytes;
    private final int[] prompt;
    private final int[] opening;
    private final int[] following;
    private final Measurement bandwidth = new Measurement();
    private final Measurement passes = new Measurement();
    private final Measurement tokenRates = new Measurement();
    private final Pair prompts = new Pair();
    private final Pair generations = new Pair();

    /// Tokens a second of both.
    private record Pair(Measurement own, Measurement other) {
        Pair() {
            this(new Measurement(), new Measurement());
        }

        void clear() {
            own.clear();
            other.clear();
        }

        double ratio() {
            return own.median() / other.median();
        }
    }

    /// @param tokenBytes of the weights that one token needs, as [#tokenBytes(ModelSource)] has them
    Comparison(
            LoadedModel model,
            Peer peer,
            MemoryBandwidth memory,
            int threads,
            long tokenBytes,
            int promptTokens,
            int generatedTokens) {
        this.model = model;
        this.peer = peer;
        this.memory = memory;
        this.threads = threads;
        this.tokenBytes = tokenBytes;
        this.prompt = Prose.tokens(model, promptTokens);
        this.opening = Prose.tokens(model, Benchmark.OPENING_TOKENS);
        this.following = Prose.tokens(model, generatedTokens);
        this.session = model.engine().newSession();
    }

    /// Returns the bytes of the weights that are read for a token: all but the embedding and the experts that are not
    /// chosen.
    static long tokenBytes(ModelSource source) {
        ModelSpec spec = source.spec();
        long bytes = spec.linearsOfToken().stream()
                .filter(linear ->
                        spec.tiedEmbeddings() || !linear.equals(spec.embedding().table()))
                .mapToLong(linear -> bytes(source, linear))
                .sum();
        for (MoeSpec moe : spec.moeLayers()) {
            long experts = moe.experts().stream()
                    .mapToLong(expert -> bytes(source, expert))
                    .sum();
            bytes += experts * moe.numExpertsPerToken() / moe.numChoices();
        }
        return bytes;
    }

    /// Measures everything `repetitions` times; who begins changes every time. Before that Moetier computes for some
    /// seconds, and there is a round that does not count.
    void run(double warmUpSeconds, int repetitions) {
        for (double seconds = 0; seconds < warmUpSeconds; ) {
            seconds += prompt.length > 0 ? prefill() : 0;
            seconds += following.length > 0 ? decode() : 0;
        }
        round(true);
        List.of(bandwidth, passes, tokenRates).forEach(Measurement::clear);
        prompts.clear();
        generations.clear();
        for (int i = 0; i < repetitions; i++) {
            round(i % 2 == 0);
        }
    }

    /// Returns the figures for people.
    String table() {
        Table figures = Table.ofFigures().row("test", "tokens/s", "least", "most", "peer's", "least", "most", "ratio");
        if (prompt.length > 0) {
            figures.row(row("prompt " + prompt.length, prompts));
        }
        if (following.length > 0) {
            figures.row(row("generate " + following.length, generations));
        }
        Table facts = Table.ofFacts();
        if (following.length > 0) {
            facts.row("weights of a token", ByteSize.format(tokenBytes))
                    .row("memory read", speed(bandwidth))
                    .row(
                            "  used to generate",
                            RunReport.percent(share(generations.own())) + ", by the peer "
                                    + RunReport.percent(share(generations.other())))
                    .row("  in one pass", speed(passes))
                    .row("  used for a token", RunReport.percent(tokenShare()));
        }
        facts.row("computed by", model.engine().deviceDescription()).row("peer", peer.name());
        return figures + "\n" + facts;
    }

    /// Returns the figures under the names that `--json` prints.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("device", model.engine().deviceDescription());
        fields.put("peer", peer.name());
        fields.put("token_bytes", tokenBytes);
        fields.put("read_bytes_per_second", fields(bandwidth));
        if (following.length > 0) {
            fields.put("pass_bytes_per_second", fields(passes));
        }
        if (prompt.length > 0) {
            fields.put("prompt", fields(prompt.length, prompts));
        }
        if (following.length > 0) {
            Map<String, Object> generation = fields(following.length, generations);
            generation.put("bandwidth_share", share(generations.own()));
            generation.put("peer_bandwidth_share", share(generations.other()));
            generation.put("token_bandwidth_share", tokenShare());
            fields.put("generation", generation);
        }
        return fields;
    }

    @Override
    public void close() {
        session.close();
    }

    private void round(boolean first) {
        bandwidth.add(memory.bytesPerSecond(threads));
        if (prompt.length > 0) {
            inTurns(prompts, prompt.length, this::prefill, () -> peer.prompt(prompt), first);
        }
        if (following.length > 0) {
            inTurns(
                    generations,
                    following.length,
                    this::decodeBetweenPasses,
                    () -> peer.generate(opening, following),
                    first);
        }
    }

    private static void inTurns(Pair rates, int tokens, DoubleSupplier own, DoubleSupplier other, boolean first) {
        if (first) {
            rates.own().add(tokens / own.getAsDouble());
        }
        rates.other().add(tokens / other.getAsDouble());
        if (!first) {
            rates.own().add(tokens / own.getAsDouble());
        }
    }

    private double prefill() {
        session.truncate(0);
        long begin = System.nanoTime();
        session.prefill(prompt);
        return (System.nanoTime() - begin) / 1e9;
    }

    private double decodeBetweenPasses() {
        readMemory();
        double seconds = decode();
        readMemory();
        return seconds;
    }

    private double decode() {
        session.truncate(0);
        session.prefill(opening);
        double seconds = 0;
        for (int token : following) {
            long begin = System.nanoTime();
            session.decode(token);
            double taken = (System.nanoTime() - begin) / 1e9;
            tokenRates.add(1 / taken);
            seconds += taken;
        }
        return seconds;
    }

    private void readMemory() {
        for (int i = 0; i < PASSES; i++) {
            passes.add(memory.passBytesPerSecond(threads));
        }
    }

    /// The share of what memory can give, at the fastest, that the weights of the generated tokens took.
    private double share(Measurement rates) {
        return rates.median() * tokenBytes / bandwidth.median();
    }

    /// The share of what memory gives in the median pass that the weights of the median token took.
    private double tokenShare() {
        return tokenRates.median() * tokenBytes / passes.median();
    }

    private static String speed(Measurement rates) {
        return Diagnosis.gigabytesPerSecond(rates.median()) + " (" + Diagnosis.gigabytesPerSecond(rates.least())
                + " to " + Diagnosis.gigabytesPerSecond(rates.most()) + ")";
    }

    /// Returns the bytes of the weights of an expert, as the file has them.
    static long bytes(ModelSource source, DenseSpec expert) {
        return expert.linears().stream()
                .mapToLong(linear -> bytes(source, linear))
                .sum();
    }

    private static long bytes(ModelSource source, LinearSpec linear) {
        return source.require(linear).byteLength();
    }

    private static Object[] row(String test, Pair rates) {
        Measurement own = rates.own();
        Measurement other = rates.other();
        return new Object[] {
            test,
            RunReport.rate(own.median()),
            RunReport.rate(own.least()),
            RunReport.rate(own.most()),
            RunReport.rate(other.median()),
            RunReport.rate(other.least()),
            RunReport.rate(other.most()),
            String.format(Locale.ROOT, "%.2f", rates.ratio())
        };
    }

    private static Map<String, Object> fields(int tokens, Pair rates) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("tokens", tokens);
        fields.put("repetitions", rates.own().count());
        fields.put("tokens_per_second", fields(rates.own()));
        fields.put("peer_tokens_per_second", fields(rates.other()));
        fields.put("ratio", rates.ratio());
        return fields;
    }

    private static Map<String, Object> fields(Measurement values) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("median", values.median());
        fields.put("least", values.least());
        fields.put("most", values.most());
        return fields;
    }
}
