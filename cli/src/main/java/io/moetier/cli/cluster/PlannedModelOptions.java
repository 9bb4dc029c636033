package io.moetier.cli.cluster;

import io.moetier.cli.option.About;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.option.Topic;
import io.moetier.cli.plan.PlanCandidates;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.kernels.device.KvType;
import io.moetier.lab.cluster.Choices;
import io.moetier.lab.cluster.ClusterModel;
import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.plan.SpeedForecast;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// The model that is planned: known by its headers, or by a trace and what that does not tell.
@About(Topic.MODEL)
final class PlannedModelOptions {
    @Parameters(
            paramLabel = "MODEL|TRACE",
            description =
                    "A model as of plan, of which only headers are read, or a routing trace (*.jsonl, *.jsonl.gz).")
    String input = "";

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "A routing trace of MODEL; without it, tokens choose all experts equally often.")
    @Nullable
    Path trace;

    @Option(names = "--expert-bytes", paramLabel = "SIZE", description = "Of TRACE: size of one expert, such as 13.2M.")
    @Nullable
    ByteSize expertBytes;

    @Option(
            names = "--dense-bytes",
            paramLabel = "SIZE",
            description = "Of TRACE: size of all weights but the experts; default: 0.")
    @Nullable
    ByteSize denseBytes;

    @Option(names = "--hidden", paramLabel = "N", description = "Of TRACE: elements of the residual stream.")
    @Nullable
    Integer hidden;

    /// What is known.
    ///
    /// @param subject in words
    /// @param layers the numbers that the model's layers with experts have
    /// @param basis where it is known from, in words
    record Known(
            String name,
            String subject,
            ClusterModel model,
            List<Integer> layers,
            Choices choices,
            String basis,
            long ramBytes) {}

    /// Reads headers or a trace.
    ///
    /// @throws IllegalArgumentException if an option does not go with it
    Known read(Surroundings surroundings, Streams streams) {
        Path file = Path.of(input);
        boolean isTrace = (input.endsWith(".jsonl") || input.endsWith(".jsonl.gz")) && Files.isRegularFile(file);
        return isTrace ? ofTrace(file) : ofModel(surroundings, streams);
    }

    private Known ofTrace(Path file) {
        if (trace != null) {
            throw new IllegalArgumentException("--trace is of a model, but " + file + " is a trace itself");
        }
        if (expertBytes == null || expertBytes.bytes() == 0 || hidden == null || hidden < 1) {
            throw new IllegalArgumentException("a trace does not tell how large its model is: give --expert-bytes and"
                    + " --hidden, or the model with --trace " + file);
        }
        try (TraceReader reader = TraceReader.open(file)) {
            TraceHeader header = reader.header();
            long dense = denseBytes == null ? 0 : denseBytes.bytes();
            ModelSizes sizes = new ModelSizes(
                    SlotPlan.Sizes.uniform(header.layers(), expertBytes.bytes()), true, dense, Optional.empty());
            ClusterModel model = new ClusterModel(sizes, header.experts(), header.topK(), hidden);
            long ram = Math.max(0, AvailableMemory.bytes() - dense);
            return new Known(
                    input,
                    subject(header.model(), model),
                    model,
                    header.moeLayerIndices(),
                    Choices.of(reader),
                    traced(file),
                    ram);
        }
    }

    private Known ofModel(Surroundings surroundings, Streams streams) {
        if (expertBytes != null || denseBytes != null || hidden != null) {
            throw new IllegalArgumentException(
                    "--expert-bytes, --dense-bytes and --hidden are of a trace; a model tells them itself");
        }
        if (trace != null) {
            TraceReader.open(trace).close(); // one that is none is told before headers are asked for
        }
        PlannedModel planned =
                PlanCandidates.firstNamed(input, surroundings, streams).model();
        double state = KvCache.bytes(planned.spec(), KvType.F16, SpeedForecast.PROMPT_TOKENS);
        ClusterModel model = ClusterModel.of(planned, state);
        String subject = subject(input + ": " + planned.spec().family(), model) + "; " + planned.weights();
        List<Integer> layers =
                SessionTrace.header(planned.spec().family(), planned.spec(), "").moeLayerIndices();
        long ram = ramHere(planned);
        if (trace == null) {
            String basis =
                    "Tokens choose all experts equally often; where memory lacks some, hits follow what the default"
                            + " policy found in public traces of other models.";
            return new Known(input, subject, model, layers, Choices.even(model), basis, ram);
        }
        try (TraceReader reader = TraceReader.open(trace)) {
            return new Known(input, subject, model, layers, Choices.of(reader), traced(trace), ram);
        }
    }

    /// Returns what experts would have here: what a run leaves them; nothing if it could not even begin.
    private static long ramHere(PlannedModel model) {
        try {
            return MemoryForecast.of(
                            model.memory(), EngineConfig.DEFAULT, AvailableMemory.limits(), Optional.empty(), true)
                    .slots()
                    .bytes();
        } catch (InvalidOptionException e) {
            throw new IllegalArgumentException(
                    "the driver has all but the experts in memory: " + OptionFlags.sentence(e), e);
        }
    }

    private static String traced(Path file) {
        return "Tokens choose as in the trace " + file + ", whose first quarter tells who owns what and fills caches.";
    }

    private static String subject(String name, ClusterModel model) {
        return name + ", " + Plural.of(model.layers(), "layer") + " of " + Plural.of(model.experts(), "expert")
                + ", top " + model.topK() + ", " + ByteSize.format(model.allExpertBytes());
    }
}
