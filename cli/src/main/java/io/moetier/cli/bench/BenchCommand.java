package io.moetier.cli.bench;

import io.moetier.cli.doctor.Diagnosis;
import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.models.ModelSummary;
import io.moetier.cli.models.Timeline;
import io.moetier.cli.option.About;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.TraceEvents;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ProcessMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures prompt processing and generation.
@About(Topic.MEASUREMENT)
@Command(name = "bench", description = "Measure prompt processing and generation in tokens per second.")
public final class BenchCommand implements Callable<Integer> {
    /// Seconds in which the JVM has compiled the kernels' callers.
    private static final double COMPARED_WARM_UP = 4;

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Option(
            names = {"-p", "--n-prompt"},
            paramLabel = "N",
            defaultValue = "512",
            description = "Tokens of the prompt; 0: skip; default: ${DEFAULT-VALUE}.")
    int promptTokens;

    @Option(
            names = {"-n", "--n-gen"},
            paramLabel = "N",
            defaultValue = "128",
            description = "Tokens to generate; 0: skip; default: ${DEFAULT-VALUE}.")
    int generatedTokens;

    @Option(
            names = {"-d", "--n-depth"},
            paramLabel = "N",
            description = "Tokens that generation has before it, which are not measured; default: "
                    + Benchmark.OPENING_TOKENS + ".")
    @Nullable
    Integer depth;

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            defaultValue = "5",
            description = "How often each is measured, after runs to warm up; default: ${DEFAULT-VALUE}.")
    int repetitions;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description = "How long to compute before anything counts, in whole rounds and at least one; default: 0,"
                    + " and 4 with --compare, for the JVM compiles what it runs often.")
    @Nullable
    Double warmUp;

    @Option(
            names = "--compare",
            description =
                    "Measure the engine of --peer too, in turns, on a MODEL in GGUF; tools/bench/compare does this"
                            + " with llama.cpp.")
    boolean compare;

    @Option(names = "--peer", paramLabel = "FOLDER", description = "Where the other engine is, for --compare.")
    @Nullable
    Path peer;

    @About(Topic.REPORTS)
    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "Record the routing of all rounds, those to warm up too, for tune; each is a request.")
    @Nullable
    Path trace;

    @About(Topic.REPORTS)
    @Option(
            names = "--trace-events",
            paramLabel = "FILE",
            description = "Write a timeline of the rounds that count, for Perfetto (ui.perfetto.dev) or Chrome.")
    @Nullable
    Path traceEvents;

    @About(Topic.REPORTS)
    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public BenchCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        require(repetitions >= 1, "-r must be 1 or more, not " + repetitions);
        require(promptTokens >= 0 && generatedTokens >= 0, "-p and -n must be 0 or more");
        require(warmUp == null || warmUp >= 0, "--warm-up must be 0 or more, not " + warmUp);
        require(depth == null || depth >= 1, "-d must be 1 or more, not " + depth);
        require(depth == null || !compare, "-d does not go with --compare");
        require(depth == null || generatedTokens > 0, "-d is for generation, which -n 0 leaves out");
        require(promptTokens + generatedTokens > 0, "-p 0 and -n 0 leave nothing to measure");
        require(!compare || peer != null, "--compare needs --peer FOLDER; tools/bench/compare gets llama.cpp as one");
        require(compare || peer == null, "--peer goes with --compare");
        require(trace == null || !compare, "--trace does not go with --compare");
        require(traceEvents == null || !compare, "--trace-events does not go with --compare");
        if (trace != null) {
            OutputFile.check(trace, "--trace");
        }
        if (traceEvents != null) {
            Timeline.check(traceEvents);
        }
        EngineConfig config = model.config(surroundings, streams);
        OptionFlags.lossy(config.numerics().selection())
                .ifPresent(options -> require(
                        !compare,
                        "--compare does not go with " + options + ": the other engine computes what was trained"));
        if (config.memory().contextLength() > 0) {
            int _ = lengths().requireContext(config.memory().contextLength());
        }
        if (peer != null) {
            Peer.program(peer);
        }
        Path named = model.model;
        model.model = LibraryTerminal.located(
                named,
                path -> require(
                        !compare || GgufParts.isOne(path),
                        "--compare needs a GGUF file, which both engines read, not " + named),
                surroundings,
                streams);
        ProcessMemory before = ProcessMemory.now();
        try (LoadedModel loaded = LibraryTerminal.stores(surroundings, streams).load(model.model, config, false)) {
            if (peer == null) {
                measure(loaded, before);
            } else {
                compare(loaded, config, peer);
            }
        }
        return Failure.OK;
    }

    private void measure(LoadedModel loaded, ProcessMemory before) throws IOException {
        if (trace == null) {
            measure(loaded, before, Optional.empty(), traceEvents);
            return;
        }
        ModelSpec spec = loaded.engine().spec();
        TraceHeader header = SessionTrace.header(Checkpoint.nameOf(model.model), spec, "rounds of bench")
                .withLossy(OptionFlags.lossy(loaded.engine().selection()));
        try (TraceRecorder recorder = new TraceRecorder(trace, header)) {
            measure(loaded, before, Optional.of(new SessionTrace(recorder, spec)), traceEvents);
            recorder.finish();
        }
    }

    private void measure(
            LoadedModel loaded, ProcessMemory before, Optional<SessionTrace> listener, @Nullable Path timeline)
            throws IOException {
        if (timeline == null) {
            measure(loaded, before, listener, Optional.empty());
            return;
        }
        try (Timeline file = Timeline.create(timeline)) {
            measure(loaded, before, listener, Optional.of(file.events()));
            file.publish(model.model, loaded, streams);
        }
    }

    private void measure(
            LoadedModel loaded, ProcessMemory before, Optional<SessionTrace> listener, Optional<TraceEvents> timeline) {
        try (Benchmark benchmark = new Benchmark(loaded, lengths(), before, timeline)) {
            listener.ifPresent(benchmark::listen);
            long begin = System.nanoTime();
            do {
                benchmark.warmUp();
            } while ((System.nanoTime() - begin) / 1e9 < warmUpSeconds());
            for (int i = 0; i < repetitions; i++) {
                benchmark.measure();
            }
            streams.print(json ? Json.write(benchmark.fields()) + "\n" : benchmark.table());
            if (!json && surroundings.outputIsTerminal()) {
                streams.print(benchmark.chart());
            }
        }
    }

    private void compare(LoadedModel loaded, EngineConfig config, Path folder) {
        int threads = PhysicalCores.threads(config.compute().threads());
        int context = lengths().requireContext(loaded.engine().contextLength());
        try (ModelSource source = Stores.openSource(model.model);
                Peer other = Peer.start(folder, source.path(), threads, context);
                MemoryBandwidth memory = MemoryBandwidth.open(Diagnosis.memoryToRead(weightBytes(source)));
                Comparison comparison = new Comparison(
                        loaded, other, memory, threads, Comparison.tokenBytes(source), promptTokens, generatedTokens)) {
            comparison.run(warmUpSeconds(), repetitions);
            streams.print(json ? Json.write(comparison.fields()) + "\n" : comparison.table());
        }
    }

    private static long weightBytes(ModelSource source) {
        ModelSummary summary = ModelSummary.ofSource(source);
        return summary.denseBytes() + summary.allExpertBytes();
    }

    private Benchmark.Lengths lengths() {
        return new Benchmark.Lengths(promptTokens, generatedTokens, depth == null ? Benchmark.OPENING_TOKENS : depth);
    }

    private double warmUpSeconds() {
        return warmUp == null ? (compare ? COMPARED_WARM_UP : 0) : warmUp;
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
