package io.moetier.cli.bench;

import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.report.ModelClock;
import io.moetier.cli.report.MovesReport;
import io.moetier.cli.report.NodesReport;
import io.moetier.cli.report.PhaseTimes;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.StepProfile;
import io.moetier.cli.report.Table;
import io.moetier.cli.report.TraceEvents;
import io.moetier.cli.report.VirtualTime;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.lab.device.VirtualDevice;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.PinnedTier;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.Generator;
import io.moetier.runtime.session.MemoryUse;
import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.ProcessMemory;
import io.moetier.storage.model.Phase;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;

/// Measures how fast a prompt is processed and how fast tokens are generated, in one session that starts anew each
/// time.
///
/// The prompt is prose, so that the routers choose as they do in earnest; a model without a tokenizer gets random ids.
/// Generation samples with llama.cpp's defaults, and goes on past the end of the text. Each time has a seed of its
/// own, those that count from 0 on: a policy would learn which experts a text needs that it is given again.
final class Benchmark implements AutoCloseable {
    static final int OPENING_TOKENS = 16; // what generation starts from unless the user says; not measured

    private final LoadedModel model;
    private final ModelClock clock;
    private final ProcessMemory before;
    private final Session session;
    private final int[] prompt;
    private final int[] opening;
    private final int generatedTokens;
    private final Measurement promptRates = new Measurement();
    private final Measurement generationRates = new Measurement();
    private Optional<SessionTrace> trace = Optional.empty();
    private int warmUps;
    private int measured;
    private final Measurement virtualPromptRates = new Measurement();
    private final Measurement virtualGenerationRates = new Measurement();
    private final DeviceMarks marks;
    private final StepProfile profile;
    private RunStats promptStats = RunStats.NONE;
    private RunStats generationStats = RunStats.NONE;
    private long nanos; // of all rounds that count

    /// How many tokens the tests have; 0 leaves one out.
    ///
    /// @param prompt of the prompt
    /// @param generated tokens that are generated
    /// @param depth tokens that generation has before it, 1 or more
    record Lengths(int prompt, int generated, int depth) {
        /// Checks that both tests fit.
        ///
        /// @return how many tokens the longer one takes
        /// @throws IllegalArgumentException if the context is shorter
        int requireContext(int contextLength) {
            int needed = Math.max(prompt, generated == 0 ? 0 : depth + generated);
            if (needed > contextLength) {
                String options = depth == OPENING_TOKENS ? "-p and -n" : "-p, -n and -d";
                throw new IllegalArgumentException(options + " need a context of " + needed + " tokens, but it holds "
                        + contextLength + " (--ctx sets it)");
            }
            return needed;
        }
    }

    /// @param before the process before the model was loaded
    /// @param timeline what is written of the rounds that count
    Benchmark(LoadedModel model, Lengths lengths, ProcessMemory before, Optional<TraceEvents> timeline) {
        this.model = model;
        clock = new ModelClock(model);
        this.before = before;
        generatedTokens = lengths.generated();
        prompt = Prose.tokens(model, lengths.prompt());
        opening = Prose.tokens(model, lengths.depth());
        int _ = lengths.requireContext(model.engine().contextLength());
        session = model.engine().newSession();
        marks = clock.newMarks();
        profile = new StepProfile(marks, model.engine().spec().layers().size(), timeline);
        model.engine().listen(profile);
    }

    /// Records the routing of each test, as a request of its own.
    void listen(SessionTrace newTrace) {
        trace = Optional.of(newTrace);
        session.listen(newTrace);
    }

    /// Runs once without counting.
    void warmUp() {
        prefill();
        warmUps++;
        generate(-warmUps);
    }

    /// Runs once and counts.
    void measure() {
        Engine engine = model.engine();
        RunStats begin = engine.stats();
        long start = System.nanoTime();
        if (prompt.length > 0) {
            profile.count(Phase.PREFILL);
            Rates rates = prefill();
            promptRates.add(rates.real());
            virtualPromptRates.add(rates.virtual());
        }
        RunStats between = engine.stats();
        if (generatedTokens > 0) {
            profile.count(Phase.DECODE);
            Rates rates = generate(measured++);
            generationRates.add(rates.real());
            virtualGenerationRates.add(rates.virtual());
        }
        nanos += System.nanoTime() - start;
        promptStats = promptStats.plus(between.minus(begin));
        generationStats = generationStats.plus(engine.stats().minus(between));
    }

    /// Returns the figures for people.
    String table() {
        ResidentSummary experts = model.engine().expertTiers().residentSummary();
        Optional<ResidentSummary> pinned = model.engine().pinnedTier().map(PinnedTier::residentSummary);
        ProcessMemory memory = ProcessMemory.now();
        MemoryUse use = session.memoryUse();
        Table table =
                Table.ofFigures().row("test", "tokens/s", "least", "most", "hit rate", "from memory", "from disk");
        if (prompt.length > 0) {
            table.row(row("prompt " + prompt.length, promptRates, promptStats));
        }
        if (generatedTokens > 0) {
            table.row(row("generate " + generatedTokens, generationRates, generationStats));
        }
        clock.virtual().ifPresent(device -> {
            addVirtual(table, "prompt", device, virtualPromptRates);
            addVirtual(table, "generate", device, virtualGenerationRates);
        });
        Table machine = Table.ofFacts();
        machine.row(pinned.isPresent() ? "experts on the GPU" : "experts in memory", room(experts));
        MovesReport.words(model.engine()).ifPresent(words -> machine.row("shortage", words));
        pinned.ifPresent(tier -> machine.row("experts in pinned memory", room(tier)));
        machine.row("other weights", ByteSize.format(use.otherWeights()))
                .row("keys and values", ByteSize.format(use.keyValues()))
                .row("workspace", ByteSize.format(use.workspace()))
                .row("JVM at the start", ByteSize.format(before.residentBytes()))
                .row(
                        "all of these",
                        ByteSize.format(use.total() + before.residentBytes())
                                + (pinned.isPresent()
                                        ? ", of which " + ByteSize.format(use.total()) + " on the GPU"
                                        : ""))
                .row(
                        "resident memory",
                        ByteSize.format(memory.residentBytes()) + ", of which anonymous "
                                + ByteSize.format(memory.anonymousBytes()) + "; at most "
                                + ByteSize.format(memory.peakResidentBytes()))
                .row(
                        "experts used",
                        ExpertsUsed.of(model.engine(), promptStats.plus(generationStats))
                                .words())
                .row("computed by", model.engine().deviceDescription())
                .row("read by", model.engine().ioDescription());
        return table + "\n" + times() + bounds() + "\n" + nodes().table() + machine;
    }

    private NodesReport nodes() {
        return new NodesReport(
                promptStats.plus(generationStats).nodes(), nanos, model.engine().nodesVerdict());
    }

    /// Returns what a generated token consists of, else a prompt, as bars.
    String chart() {
        PhaseTimes ofAnswer = profile.times(Phase.DECODE);
        return ofAnswer.isEmpty()
                ? "\na prompt\n" + profile.times(Phase.PREFILL).chart(promptRates.count())
                : "\na generated token\n" + ofAnswer.chart((double) ofAnswer.tokens());
    }

    /// Returns how near a token comes to what kernels and copies allow, where time is virtual.
    private String bounds() {
        PhaseTimes times = profile.times(Phase.DECODE);
        if (clock.virtual().isEmpty() || times.isEmpty()) {
            return "";
        }
        return "\n"
                + Table.ofFigures()
                        .row("least of a token", "milliseconds", "reached")
                        .row(bound("copies beside experts", profile.bound().nanos(), times))
                        .row(bound("the same without starts", profile.bound().byteNanos(), times));
    }

    private static Object[] bound(String name, double nanos, PhaseTimes times) {
        return new Object[] {
            name,
            String.format(Locale.ROOT, "%.3f", nanos / 1e6 / times.tokens()),
            RunReport.percent(nanos / times.totalNanos())
        };
    }

    private Table times() {
        PhaseTimes ofPrompt = profile.times(Phase.PREFILL);
        PhaseTimes ofAnswer = profile.times(Phase.DECODE);
        Table table = Table.ofFigures().row(PhaseTimes.head());
        if (!ofPrompt.isEmpty()) {
            table.row(ofPrompt.cells("prompt " + prompt.length, promptRates.count()));
        }
        if (!ofAnswer.isEmpty()) {
            table.row(ofAnswer.cells("generate 1", (double) ofAnswer.tokens()));
        }
        return table;
    }

    /// Returns the figures under the names that `--json` prints.
    Map<String, Object> fields() {
        ResidentSummary experts = model.engine().expertTiers().residentSummary();
        ProcessMemory memory = ProcessMemory.now();
        MemoryUse use = session.memoryUse();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("device", model.engine().deviceDescription());
        fields.put("io", model.engine().ioDescription());
        fields.putAll(ExpertsUsed.of(model.engine(), promptStats.plus(generationStats))
                .fields());
        fields.putAll(nodes().fields());
        fields.put("experts", experts.numExperts());
        fields.put("expert_slots", experts.slots().number());
        fields.put("expert_slot_bytes", experts.slots().bytes());
        model.engine()
                .pinnedTier()
                .map(PinnedTier::residentSummary)
                .ifPresentOrElse(
                        pinned -> {
                            fields.put("ram_bytes", pinned.budgetBytes());
                            fields.put("pinned_slots", pinned.slots().number());
                            fields.put("pinned_slot_bytes", pinned.slots().bytes());
                            fields.put("vram_bytes", use.total());
                        },
                        () -> fields.put("ram_bytes", experts.budgetBytes()));
        fields.putAll(MovesReport.fields(model.engine()));
        fields.put("resident_experts", experts.filled().number());
        fields.put("resident_expert_bytes", use.experts());
        fields.put("other_weight_bytes", use.otherWeights());
        fields.put("kv_bytes", use.keyValues());
        fields.put("workspace_bytes", use.workspace());
        fields.put("jvm_bytes", before.residentBytes());
        fields.put("resident_bytes", memory.residentBytes());
        fields.put("peak_resident_bytes", memory.peakResidentBytes());
        fields.put("anonymous_bytes", memory.anonymousBytes());
        if (prompt.length > 0) {
            Map<String, Object> ofPrompt = fields(prompt.length, promptRates, promptStats, virtualPromptRates);
            ofPrompt.put("times", profile.times(Phase.PREFILL).fields(promptRates.count()));
            fields.put("prompt", ofPrompt);
        }
        if (generatedTokens > 0) {
            Map<String, Object> ofAnswer =
                    fields(generatedTokens, generationRates, generationStats, virtualGenerationRates);
            PhaseTimes times = profile.times(Phase.DECODE);
            ofAnswer.put("times", times.fields((double) times.tokens()));
            if (clock.virtual().isPresent()) {
                ofAnswer.put("bound_seconds", profile.bound().nanos() / 1e9 / times.tokens());
                ofAnswer.put("byte_bound_seconds", profile.bound().byteNanos() / 1e9 / times.tokens());
            }
            fields.put("generation", ofAnswer);
        }
        return fields;
    }

    @Override
    public void close() {
        model.engine().listen(ActivityListener.NONE);
        marks.close();
        session.close();
    }

    private void begin() {
        if (session.position() > 0) {
            session.truncate(0);
            trace.ifPresent(SessionTrace::nextRequest);
        }
    }

    /// Tokens per second, and per second of virtual time.
    private record Rates(double real, double virtual) {
        static final Rates NONE = new Rates(0, 0);
    }

    private Rates prefill() {
        if (prompt.length == 0) {
            return Rates.NONE;
        }
        begin();
        long begin = System.nanoTime();
        double virtualBegin = virtualNanos();
        session.prompt(prompt, () -> false);
        long end = System.nanoTime();
        return new Rates(prompt.length * 1e9 / (end - begin), prompt.length * 1e9 / (virtualNanos() - virtualBegin));
    }

    private double virtualNanos() {
        return clock.virtual().map(VirtualDevice::virtualNanos).orElse(0.0);
    }

    private Rates generate(long seed) {
        if (generatedTokens == 0) {
            return Rates.NONE;
        }
        Engine engine = model.engine();
        begin();
        Sampler sampler =
                new Sampler(SamplingParams.DEFAULT.withSeed(seed), engine.spec().vocabSize(), engine.contextLength());
        Optional<VirtualTime> virtual = clock.virtual().map(VirtualTime::new);
        IntPredicate all = token -> true;
        // The first token belongs to the prompt, so one more than is measured.
        Generator.Outcome outcome = new Generator(session, sampler, Set.of())
                .run(
                        opening,
                        generatedTokens + 1,
                        virtual.map(time -> time.watch(all)).orElse(all),
                        () -> false);
        return new Rates(
                outcome.decodeTokensPerSecond(),
                virtual.map(time -> time.decodeTokensPerSecond(outcome)).orElse(0.0));
    }

    private Object[] row(String test, Measurement rates, RunStats stats) {
        return new Object[] {
            test,
            RunReport.rate(rates.median()),
            RunReport.rate(rates.least()),
            RunReport.rate(rates.most()),
            RunReport.percent(stats.hitRate()),
            ByteSize.format((double) hostBytes(stats) / rates.count()),
            ByteSize.format((double) stats.diskBytes() / rates.count())
        };
    }

    private static String room(ResidentSummary tier) {
        return tier.filled().number() + " of " + tier.numExperts() + ", "
                + ByteSize.format(tier.filled().bytes()) + "; room for "
                + tier.slots().number() + ", " + ByteSize.format(tier.slots().bytes());
    }

    private static void addVirtual(Table table, String test, VirtualDevice device, Measurement rates) {
        if (rates.count() > 0) {
            table.row(
                    test + ", virtual " + device.gpu(),
                    RunReport.rate(rates.median()),
                    RunReport.rate(rates.least()),
                    RunReport.rate(rates.most()));
        }
    }

    private Map<String, Object> fields(int tokens, Measurement rates, RunStats stats, Measurement virtualRates) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("tokens", tokens);
        fields.put("repetitions", rates.count());
        fields.put("tokens_per_second", rates.median());
        fields.put("least", rates.least());
        fields.put("most", rates.most());
        fields.put("hit_rate", stats.hitRate());
        fields.put("host_bytes", hostBytes(stats) / rates.count());
        fields.put("disk_bytes", stats.diskBytes() / rates.count());
        fields.put("wait_seconds", stats.waitNanos() / 1e9 / rates.count());
        if (model.engine().pinnedTier().isPresent()) {
            fields.put("copied_bytes", stats.copiedBytes() / rates.count());
            fields.put("computed_on_cpu", stats.computedOnHost() / rates.count());
        }
        if (clock.virtual().isPresent()) {
            fields.put("virtual_tokens_per_second", virtualRates.median());
        }
        return fields;
    }

    /// The bytes of the experts that were found in memory; where sizes differ, as if all had the largest.
    private long hostBytes(RunStats stats) {
        return stats.expertHits()
                * model.engine().expertTiers().residentSummary().slotBytes();
    }
}
