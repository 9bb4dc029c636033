package io.moetier.cli.tune;

import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.option.About;
import io.moetier.cli.option.ClusterOptions;
import io.moetier.cli.option.PolicyFile;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.ProgramVersion;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.TraceCounts;
import io.moetier.lab.simulate.Tuning;
import io.moetier.lab.simulate.WarmedByModality;
import io.moetier.lab.sweep.SpreadSweep;
import io.moetier.lab.sweep.SweepSummary;
import io.moetier.lab.sweep.SweptTrace;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Compares policies and budgets on routing traces, without the model.
@About(Topic.MEASUREMENT)
@Command(
        name = "tune",
        description = "Find out from routing traces what each policy and each budget would bring, and recommend one.")
public final class TuneCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            arity = "1..*",
            paramLabel = "TRACE",
            description = "Traces of format moe-trace/1; with --prompts, one MODEL whose trace is recorded first.")
    List<Path> inputs = List.of();

    @Option(
            names = "--policies",
            paramLabel = "all|lru,lfu,…",
            defaultValue = "all",
            split = ",",
            hideParamSyntax = true,
            description = "Policies to compare; belady is the optimum that no policy can beat; default: all.")
    List<String> policies = List.of();

    @Option(
            names = "--budgets",
            paramLabel = "25%,4G,…",
            defaultValue = "6.25%,12.5%,25%,50%,75%",
            split = ",",
            hideParamSyntax = true,
            description = "Shares of all experts, or sizes; default: ${DEFAULT-VALUE}.")
    List<String> budgets = List.of();

    @Option(
            names = "--device",
            paramLabel = "NAME|FILE",
            description = "Machine whose speed is predicted: a known device or a profile as a JSON file; default: this"
                    + " machine, if doctor has measured it.")
    @Nullable
    String device;

    @Option(
            names = "--misses",
            paramLabel = "copy|cpu|auto",
            description =
                    "What becomes of the experts that the machine's GPU lacks, as run does it: they are copied to it,"
                            + " the CPU computes them, or some this way and some that; default: copy.")
    @Nullable
    Misses misses;

    @Mixin
    TuneExperts experts = new TuneExperts();

    @Option(
            names = "--admission",
            paramLabel = "layer|sequential",
            defaultValue = "layer",
            description = "How experts are let in: a layer at a time, as the engine does it, or one by one, as most"
                    + " published figures are made; default: ${DEFAULT-VALUE}.")
    Admission admission = Admission.LAYER;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "1",
            description = "Tokens computed together where the trace does not tell; default: ${DEFAULT-VALUE}.")
    int batch;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "0",
            description = "First tokens of each trace, which fill the caches and are not counted; default: 0.")
    long warmUp;

    @Option(
            names = "--after",
            paramLabel = "TRACE,…",
            split = ",",
            hideParamSyntax = true,
            description =
                    "Traces of the same model that the policy gate learns from first, as in earlier runs; they are"
                            + " not counted.")
    List<Path> after = List.of();

    @Option(
            names = "--io",
            paramLabel = "mapped|pread|direct|auto",
            defaultValue = "auto",
            description =
                    "How missing experts would be read: direct past the page cache, mapped and pread from it; auto"
                            + " as run does it: direct where the experts do not fit there; default: ${DEFAULT-VALUE}.")
    IoMode io = IoMode.AUTO;

    @Option(
            names = "--census",
            paramLabel = "FILE",
            description = "Routing trace whose most used experts the policy static keeps.")
    @Nullable
    Path census;

    @About(Topic.REPORTS)
    @Option(names = "--report", paramLabel = "FILE", description = "Write a page with charts, an HTML file.")
    @Nullable
    Path page;

    @About(Topic.REPORTS)
    @Option(names = "--json", paramLabel = "FILE", description = "Write the rows of the table as JSON.")
    @Nullable
    Path json;

    @About(Topic.REPORTS)
    @Option(
            names = "--save",
            paramLabel = "FILE",
            description = "Write the recommended policy and budget, for run --policy-file.")
    @Nullable
    Path save;

    @Mixin
    TuneRecording recording = new TuneRecording();

    @Mixin
    ClusterOptions cluster = new ClusterOptions();

    /// What is asked about a trace.
    private record Asked(TraceHeader header, SweptTrace swept) {}

    public TuneCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (batch < 1) {
            throw new IllegalArgumentException("--batch must be 1 or more, not " + batch);
        }
        if (warmUp < 0) {
            throw new IllegalArgumentException("--warm-up must be 0 or more, not " + warmUp);
        }
        if (batch > 1 && admission == Admission.SEQUENTIAL) {
            throw new IllegalArgumentException(
                    "--batch is of --admission layer: sequential takes one expert of one token after another");
        }
        if (misses != null && misses != Misses.COPY && admission == Admission.SEQUENTIAL) {
            throw new IllegalArgumentException(
                    "--misses cpu and auto are of --admission layer: sequential brings in what"
                            + " is missing, one expert after another");
        }
        Optional<ClusterSettings> several = cluster.settings(0);
        TunePolicies chosen = TunePolicies.of(policies, census);
        if (!after.isEmpty() && !chosen.anyLearns()) {
            throw new IllegalArgumentException("--after is for the policy gate, which is not among --policies");
        }
        checkOutputs(chosen);
        recording.check(inputs);
        experts.check(recording.isWanted() ? Optional.of(inputs.getFirst()) : Optional.empty());
        if (several.isEmpty()) {
            return tune(chosen, TuneCommand::replay);
        }
        Offer offer = new Offer(Offer.Role.DRIVER, "", 0, 0, threads(), "", ProgramVersion.get());
        try (CleanStop _ = CleanStop.open();
                Membership membership = ClusterOptions.join(several.get(), surroundings, "tune", offer)) {
            return tune(chosen, (traces, taker) -> {
                SweepSummary summary = SpreadSweep.run(membership, threads(), traces, taker);
                new TuneSpread(summary).lines().forEach(streams::note);
            });
        }
    }

    /// Replays traces.
    @FunctionalInterface
    private interface Replaying {
        /// @param taker is given what came out for each trace with its index, in order
        void run(List<SweptTrace> traces, BiConsumer<Integer, Tuning> taker) throws InterruptedException;
    }

    private int tune(TunePolicies chosen, Replaying replaying) throws IOException {
        Optional<MachineProfile> machine = machine(); // may take a minute to measure
        checkMisses(machine);
        experts.locate(surroundings, streams); // may take longer to download
        List<TuneReport> reports = new ArrayList<>();
        try {
            List<Path> traces = recording.traces(inputs, surroundings, streams);
            if (Thread.currentThread().isInterrupted()) {
                return Failure.INTERRUPTED;
            }
            List<Asked> all =
                    traces.stream().map(trace -> asked(trace, chosen, machine)).toList();
            replaying.run(
                    all.stream().map(Asked::swept).toList(),
                    (index, tuning) -> report(all.get(index), tuning, reports));
            write(reports, traces);
        } catch (InterruptedException e) {
            return Failure.INTERRUPTED;
        } finally {
            recording.removeTrace();
        }
        return Failure.OK;
    }

    private Asked asked(Path trace, TunePolicies chosen, Optional<MachineProfile> machine) {
        try (TraceReader reader = TraceReader.open(trace)) {
            TraceHeader header = reader.header();
            ModelSizes sizes = experts.sizes(trace, header, recording.model());
            List<SlotPlan> plans = TuneBudgets.plans(budgets, header, sizes);
            boolean cached = isCached(sizes.experts().budget(header.experts(), header.topK()));
            Tuning.Question question = new Tuning.Question(
                    chosen.contenders(trace, header),
                    plans,
                    sizes,
                    cached ? machine.map(MachineProfile::withCachedFiles) : machine,
                    misses == null ? Misses.COPY : misses,
                    after);
            if (header.tokens() == 0) {
                throw MalformedModelException.of(trace, "tokens", "1 or more", 0);
            }
            if (warmUp >= header.tokens()) {
                throw new IllegalArgumentException("--warm-up " + warmUp + " leaves nothing of the "
                        + Plural.of(header.tokens(), "token") + " of " + trace);
            }
            Simulator simulator = new Simulator(admission, batch, warmUp, threads());
            return new Asked(
                    header, new SweptTrace(trace, simulator, question, TunePolicies.LRU, Optional.ofNullable(census)));
        }
    }

    private static int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    private static void replay(List<SweptTrace> traces, BiConsumer<Integer, Tuning> taker) {
        for (int i = 0; i < traces.size(); i++) {
            SweptTrace swept = traces.get(i);
            try (TraceReader reader = TraceReader.open(swept.trace())) {
                taker.accept(i, Tuning.of(reader, swept.simulator(), swept.question(), swept.lru()));
            }
        }
    }

    private void report(Asked asked, Tuning tuning, List<TuneReport> reports) {
        SweptTrace swept = asked.swept();
        if (tuning.tokens() == 0) {
            throw new IllegalArgumentException("--warm-up " + warmUp + " leaves no whole step of the "
                    + asked.header().tokens() + " tokens of " + swept.trace() + ", which are computed together");
        }
        if (tuning.needed() == 0) {
            throw MalformedModelException.of(swept.trace(), "e", "experts in at least one line that counts", "none");
        }
        TuneReport report = new TuneReport(
                recording.model().orElse(swept.trace()),
                asked.header(),
                swept.simulator(),
                swept.question(),
                tuning,
                warmth(swept.trace(), swept.question()));
        streams.print((reports.isEmpty() ? "" : "\n") + report.text());
        if (surroundings.outputIsTerminal()) {
            streams.print("\n" + report.chart());
        }
        reports.add(report);
    }

    private static Optional<TuneWarmth> warmth(Path trace, Tuning.Question question) {
        try (TraceReader reader = TraceReader.open(trace)) {
            long images = reader.header().imageTokens();
            return images == 0 || images == reader.header().tokens()
                    ? Optional.empty()
                    : Optional.of(new TuneWarmth(
                            reader.header(),
                            WarmedByModality.of(reader, question.sizes().experts(), question.plans())));
        }
    }

    /// Says whether missing experts come from the page cache. How much memory another machine has is not known: there
    /// they do if somebody says so.
    private boolean isCached(SlotBudget budget) {
        return device == null
                ? io.isCached(budget.allBytes(), AvailableMemory.bytes())
                : io == IoMode.MAPPED || io == IoMode.PREAD;
    }

    /// Returns the machine that speeds are predicted for; nothing if there is none to predict for.
    private Optional<MachineProfile> machine() {
        if (device == null) {
            return new MachineFile(surroundings, streams).current();
        }
        Optional<MachineProfile> known = MachineProfile.ofDevice(device);
        if (known.isEmpty() && !Files.exists(Path.of(device))) {
            throw new IllegalArgumentException("--device: there is no file " + device + ", and the known devices are "
                    + String.join(", ", MachineProfile.deviceNames()));
        }
        MachineProfile profile = known.orElseGet(() -> MachineProfile.read(Path.of(device)));
        if (io != IoMode.AUTO && profile.cachedBytesPerSecond().isEmpty()) {
            throw new IllegalArgumentException("--io: the profile " + profile.name()
                    + " knows one way only in which missing experts come, not how fast the page cache is"
                    + " (cached_bytes_per_second)");
        }
        return Optional.of(profile);
    }

    private void checkMisses(Optional<MachineProfile> machine) {
        if (misses == null) {
            return;
        }
        if (machine.isEmpty() || !machine.get().hasDevice()) {
            throw new IllegalArgumentException("--misses is for what a GPU lacks, but "
                    + machine.map(of -> of.name() + " has none")
                            .orElse("no machine is known that has one: give --device"));
        }
        if (misses != Misses.COPY && machine.get().hostBytesPerSecond().isEmpty()) {
            throw new IllegalArgumentException(
                    "--misses: the profile " + machine.get().name()
                            + " does not know how fast the processor reads main memory (host_bytes_per_second)");
        }
    }

    private void checkOutputs(TunePolicies chosen) throws IOException {
        List<Path> others = new ArrayList<>(inputs);
        if (census != null) {
            others.add(census);
        }
        if (page != null) {
            if (inputs.size() > 1) {
                throw new IllegalArgumentException("--report shows one trace, not " + inputs.size());
            }
            checkOutput(page, "--report", others);
        }
        if (json != null) {
            checkOutput(json, "--json", others);
        }
        if (save != null) {
            if (inputs.size() > 1) {
                throw new IllegalArgumentException("--save is of one trace, not " + inputs.size());
            }
            if (chosen.onlyOptimum()) {
                throw new IllegalArgumentException(
                        "--save: only belady is compared, which knows the future and cannot be run");
            }
            checkOutput(save, "--save", others);
        }
    }

    /// Checks that a file can be written that replaces none of the others, and adds it to them.
    private static void checkOutput(Path file, String option, List<Path> others) throws IOException {
        OutputFile.check(file, option);
        for (Path other : others) {
            boolean areThere = Files.exists(file) && Files.exists(other);
            boolean isSame = areThere
                    ? Files.isSameFile(file, other)
                    : file.toAbsolutePath()
                            .normalize()
                            .equals(other.toAbsolutePath().normalize());
            if (isSame) {
                throw new IllegalArgumentException(
                        option + ": expected a file of its own, found " + file + ", which is read or written, too");
            }
        }
        others.add(file);
    }

    private void write(List<TuneReport> reports, List<Path> traces) throws IOException {
        if (page != null) {
            try (TraceReader reader = TraceReader.open(traces.getFirst())) {
                String charts = new TuneCharts(reports.getFirst(), TraceCounts.of(reader)).page();
                OutputFile.write(page, "--report", charts);
            }
        }
        if (json != null) {
            Map<String, Object> fields = new LinkedHashMap<>();
            if (reports.size() > 1) {
                fields.put("traces", reports.stream().map(TuneReport::fields).toList());
            } else {
                fields.putAll(reports.getFirst().fields());
            }
            OutputFile.write(json, "--json", Json.writePretty(fields) + "\n");
        }
        if (save != null) {
            Tuning.Advice advice = reports.getFirst().advice().orElseThrow();
            OutputFile.write(
                    save, "--save", Json.writePretty(PolicyFile.of(advice.row()).fields()) + "\n");
        }
    }
}
