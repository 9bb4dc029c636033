package io.moetier.cli.throughput;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.models.ModelSummary;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.report.ExpertsUsed.Loss;
import io.moetier.cli.terminal.FactLines;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cli.throughput.SettingResult.Held;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Comparison;
import io.moetier.lab.throughput.ModelWork;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.LossCalibration;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.offload.PinnedTier;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.runtime.session.MemoryUse;
import io.moetier.runtime.session.PolicyChoice;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.file.TemporaryDirectory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.ProcessMemory;
import io.moetier.storage.platform.Platform;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Measures all points of a sweep, one setting after another, and predicts what can be.
final class SweepRun implements AutoCloseable {
    private static final int TRACED_ROUNDS = 2; // one fills the caches of the simulation
    private static final double MOST_SHARES = 2; // of time, where the least number of rounds takes longer than one

    /// Fields of what is refused for want of memory.
    private static final Set<String> NEEDING_MEMORY = Set.of("ramBytes", "contextLength");

    private final ModelSummary summary;
    private final Sweep sweep;
    private final MachinePeaks peaks;
    private final Path cache;
    private final TemporaryDirectory scratch;
    private final Path trace;
    private final List<SettingResult> results = new ArrayList<>();
    private final List<String> leftOut = new ArrayList<>();
    private EngineConfig config;
    private String device = "";
    private long tracedTokens; // of one round
    private int limit = Integer.MAX_VALUE; // prompts are shorter than that

    SweepRun(ModelSummary summary, EngineConfig config, Sweep sweep, Path cache) throws IOException {
        if (summary.spec().encoder().isPresent()) {
            throw new IllegalArgumentException(summary.model()
                    + ": the prompts of a model with an encoder are no beginning of its answers; bench measures it");
        }
        this.summary = summary;
        this.config = config;
        this.sweep = sweep;
        this.cache = cache;
        peaks = new MachinePeaks(
                cache,
                config,
                EnumSet.of(summary.types().dense(), summary.types().experts()));
        scratch = TemporaryDirectory.create(Platform.temporaryFiles(), "profile");
        trace = scratch.path().resolve("trace.jsonl.gz");
    }

    /// Measures everything.
    Findings run(Surroundings surroundings, Streams streams) throws IOException {
        Stores stores = LibraryTerminal.stores(surroundings, streams);
        try (FactLines lines = new FactLines(streams, false, surroundings.errorIsTerminal())) {
            if (!measureAll(stores, lines)) {
                results.clear();
                leftOut.clear();
                limit = Integer.MAX_VALUE;
                tracedTokens = 0;
                config = config.withDevice();
                measureAll(stores, lines);
            }
        }
        peaks.whyNoDisk().ifPresent(leftOut::add);
        List<Expectation> expectations = expectations();
        String whyNone = expectations.isEmpty() ? whyNoExpectation() : "";
        return new Findings(summary, device, results, expectations, whyNone, leftOut);
    }

    /// Measures all settings; returns false at once where a GPU that nobody asked for could not be opened, for the
    /// CPU has settings of its own.
    private boolean measureAll(Stores stores, FactLines lines) throws IOException {
        List<Setting> settings = sweep.settings(config, summary.allExpertBytes(), summary.leastExpertBytes());
        double share = sweep.seconds() / settings.size();
        Setting first = settings.getFirst();
        @Nullable MemoryPlan plan = null; // of the first
        for (Setting next : settings) {
            Setting setting = next;
            if (plan != null) {
                Optional<Setting> fitting = sweep.fitting(next, first, plan);
                if (fitting.isEmpty()) {
                    leftOut.add("A budget of " + next.budget() + ", "
                            + ByteSize.format(next.ramBytes().orElseThrow())
                            + ", was left out, for not all of it fits: " + plan.left() + ".");
                    continue;
                }
                setting = fitting.get();
            }
            lines.measuring(setting.label());
            try (LoadedModel loaded = stores.load(summary.model(), setting.of(config), false)) {
                Engine engine = loaded.engine();
                if (config.compute().device().filter(DeviceFactory::isOptional).isPresent()
                        && engine.pinnedTier().isEmpty()) {
                    return false;
                }
                if (plan == null) {
                    plan = engine.memoryPlan();
                    device = engine.deviceDescription() + ExpertsUsed.warning(OptionFlags.lossy(engine.selection()));
                    requireCalibration(settings, loaded);
                }
                results.add(measure(loaded, setting, share, lines));
            } catch (InvalidOptionException e) {
                if (results.isEmpty()) {
                    throw e;
                }
                leftOut.add(withoutMemory(setting, e));
            }
        }
        return true;
    }

    /// Returns that a setting finds no memory beside what earlier ones have left behind, whose figures stay.
    static String withoutMemory(Setting setting, InvalidOptionException cause) {
        if (!NEEDING_MEMORY.contains(cause.field())) {
            throw cause;
        }
        return "Not measured: " + setting.label() + ", as " + cause.problem() + ".";
    }

    /// Minutes pass before a loss is measured.
    private void requireCalibration(List<Setting> settings, LoadedModel loaded) {
        for (Setting setting : settings) {
            ExpertSelection selection = setting.of(config).numerics().selection();
            try {
                LossCalibration.require(
                        selection, summary.model(), loaded.engine().store().fingerprint(), cache);
            } catch (InvalidOptionException e) {
                throw setting.maxKld() > 0 && e.field().equals("maxKld") ? Sweep.ofLimit(e) : e;
            }
        }
    }

    @Override
    public void close() throws IOException {
        scratch.close();
    }

    private SettingResult measure(LoadedModel loaded, Setting setting, double share, FactLines lines)
            throws IOException {
        Engine engine = loaded.engine();
        int context = engine.contextLength();
        List<Case> cases = sweep.cases(setting, context, limit);
        int longest = cases.stream().mapToInt(Sweep::length).max().orElse(1);
        try (Meter meter = new Meter(loaded, work(loaded), longest)) {
            Map<Case, List<Round>> rounds = new LinkedHashMap<>();
            long begin = System.nanoTime();
            double seconds = 0;
            for (int round = 0; isWanted(round, seconds, share); round++) {
                lines.measuring(setting.label() + ", round " + (round + 1));
                for (Case each : cases) {
                    requireNoInterrupt();
                    rounds.computeIfAbsent(each, _ -> new ArrayList<>()).add(meter.measure(each, round));
                }
                seconds = (System.nanoTime() - begin) / 1e9;
                if (round == 0 && leaveOut(setting, context, seconds, share)) {
                    cases = sweep.cases(setting, context, limit);
                    rounds.keySet().retainAll(cases);
                }
            }
            if (tracedTokens == 0) {
                tracedTokens = record(loaded, meter, cases);
            }
            Held held = held(engine, meter.memoryUse());
            lines.measuring("memory, disk and arithmetic, " + setting.label());
            double workingSet = (double) summary.denseBytes() + held.slotBytes();
            return new SettingResult(
                    setting,
                    rounds,
                    peaks.measure(loaded, setting.threads(), workingSet),
                    held,
                    Loss.of(engine.loss()));
        }
    }

    /// Says whether another round is to be measured: while there is time, or to have as many as it takes to compare.
    private static boolean isWanted(int rounds, double seconds, double share) {
        return seconds < share || (rounds <= Comparison.LEAST_ROUNDS && seconds < MOST_SHARES * share);
    }

    /// Leaves out the longest prompt, and what is generated behind it, if rounds take so long that there would be too
    /// few.
    private boolean leaveOut(Setting setting, int context, double roundSeconds, double share) {
        List<Integer> lengths = sweep.prompts(context, limit);
        boolean slow = roundSeconds * (Comparison.LEAST_ROUNDS + 1) > MOST_SHARES * share;
        if (!slow || !sweep.mayLeaveOut() || lengths.size() < 2 || !results.isEmpty()) {
            return false;
        }
        limit = lengths.getLast();
        leftOut.add(String.format(
                Locale.ROOT,
                "Prompts of %d tokens were left out: with %s a round took %.1f s (-p %d and --seconds measure them).",
                limit,
                setting.label(),
                roundSeconds,
                limit));
        return true;
    }

    /// Records which experts two rounds choose, for the simulator: the same for all settings.
    ///
    /// @return the tokens of one
    private long record(LoadedModel loaded, Meter meter, List<Case> cases) {
        String name = Findings.name(summary);
        long recorded = 0;
        try (TraceRecorder recorder = new TraceRecorder(
                trace,
                SessionTrace.header(name, loaded.engine().spec(), "rounds of profile")
                        .withLossy(OptionFlags.lossy(loaded.engine().selection())))) {
            SessionTrace listener = new SessionTrace(recorder, loaded.engine().spec());
            for (int round = 0; round < TRACED_ROUNDS; round++) {
                for (Case each : cases) {
                    recorded += meter.record(each, round, listener);
                }
            }
            recorder.finish();
        }
        return recorded / TRACED_ROUNDS;
    }

    private ModelWork work(LoadedModel loaded) {
        StoredWeights weights = StoredWeights.of(loaded.engine().store());
        return new ModelWork(summary.spec(), weights, config.numerics().kv().bytes());
    }

    private Held held(Engine engine, MemoryUse use) {
        ResidentSummary experts = engine.expertTiers().residentSummary();
        Map<String, Long> tiers = new LinkedHashMap<>();
        boolean gpu = engine.pinnedTier().isPresent();
        tiers.put(
                gpu ? "experts on the GPU" : "experts in memory",
                experts.slots().bytes());
        engine.pinnedTier()
                .map(PinnedTier::residentSummary)
                .ifPresent(pinned ->
                        tiers.put("experts in pinned memory", pinned.slots().bytes()));
        tiers.put("other weights", use.otherWeights());
        tiers.put("keys and values", use.keyValues());
        tiers.put("workspace", use.workspace());
        long process = ProcessMemory.now().residentBytes();
        long known = tiers.values().stream().mapToLong(each -> each).sum();
        tiers.put("the JVM and what it has not given back", Math.max(0, process - known));
        tiers.put(
                "experts on disk alone",
                Math.max(0, summary.allExpertBytes() - experts.slots().bytes()));
        String policy = switch (config.offloading().policy()) {
            case PolicyChoice.Auto _ -> Policies.nameByRoom(experts.slots().number(), experts.numExperts());
            case PolicyChoice.Named named -> named.name();
            case PolicyChoice.Own _ ->
                throw new IllegalStateException("a policy without a name, which no option gives");
        };
        boolean pastCache = engine.store().readsPastCache();
        return new Held(experts.slots().number(), experts.slots().bytes(), policy, pastCache, tiers);
    }

    private List<Expectation> expectations() {
        if (peaks.profile().isEmpty() || !config.compute().devices().isEmpty() || tracedTokens == 0) {
            return List.of();
        }
        MachineProfile machine = peaks.profile().get();
        List<Expectation> expectations = new ArrayList<>();
        for (SettingResult result : results) {
            MachineProfile of = result.held().pastCache() ? machine : machine.withCachedFiles();
            if (result.isOfBudget(results)) {
                Expectation.of(result, summary, of, trace, tracedTokens).ifPresent(expectations::add);
            }
        }
        return List.copyOf(expectations);
    }

    private String whyNoExpectation() {
        if (!config.compute().devices().isEmpty()) {
            return "the cost model here is that of a processor";
        }
        if (peaks.profile().isEmpty()) {
            return "this machine was not measured; moetier doctor does";
        }
        return tracedTokens == 0 ? "no token was generated" : "the policy needs what this run does not have";
    }

    private static void requireNoInterrupt() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("the measurement was interrupted");
        }
    }
}
