package io.moetier.cli.tune;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.models.ModelSummary;
import io.moetier.cli.option.About;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How large experts are, which a trace does not tell.
@About(Topic.MEASUREMENT)
final class TuneExperts {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "The model of the traces, whose headers tell the sizes of weights.")
    @Nullable
    Path model;

    @Option(names = "--expert-bytes", paramLabel = "SIZE", description = "Size of one expert, such as 13.2M.")
    @Nullable
    ByteSize expertBytes;

    /// Finds contradictions.
    ///
    /// @param toRecord the model that a trace will be recorded with, if one will
    void check(Optional<Path> toRecord) {
        if (model != null && expertBytes != null) {
            throw new IllegalArgumentException("--model and --expert-bytes: expected one of them");
        }
        if (model != null && toRecord.isPresent()) {
            throw new IllegalArgumentException("--model and --prompts: the trace is one of " + toRecord.get());
        }
        if (expertBytes != null && expertBytes.bytes() == 0) {
            throw new IllegalArgumentException("--expert-bytes must be more than 0");
        }
    }

    /// Finds the model by its name, and downloads it if need be.
    void locate(Surroundings surroundings, Streams streams) {
        if (model != null) {
            model = LibraryTerminal.located(model, surroundings, streams);
        }
    }

    /// Returns the sizes for one trace.
    ///
    /// @param recorded the model that the trace was recorded with just now, if it was
    /// @throws MalformedModelException if the trace is not one of the model
    ModelSizes sizes(Path trace, TraceHeader header, Optional<Path> recorded) {
        if (expertBytes != null) {
            return new ModelSizes(
                    SlotPlan.Sizes.uniform(header.layers(), expertBytes.bytes()), true, 0, Optional.empty());
        }
        Optional<Path> of = Optional.ofNullable(model).or(() -> recorded);
        return of.map(path -> ofModel(ModelSummary.of(path), trace, header))
                .orElseGet(
                        () -> new ModelSizes(SlotPlan.Sizes.uniform(header.layers(), 1), false, 0, Optional.empty()));
    }

    private static ModelSizes ofModel(ModelSummary summary, Path trace, TraceHeader header) {
        requireSameShape(summary.spec(), summary.model(), trace, header);
        return summary.sizes();
    }

    private static void requireSameShape(ModelSpec spec, Path model, Path trace, TraceHeader header) {
        TraceHeader own = SessionTrace.header("", spec, "");
        if (!own.moeLayerIndices().equals(header.moeLayerIndices())
                || own.experts() != header.experts()
                || !mayChoose(header, own.topK())) {
            throw new MalformedModelException(
                    trace + ": a trace of " + shape(header) + ", but " + model + " has " + shape(own));
        }
    }

    /// Says whether the trace can be one of a model that was trained to choose `topK` experts.
    private static boolean mayChoose(TraceHeader header, int topK) {
        boolean fewer = header.fewerExperts() && header.topK() < topK;
        return header.topK() == topK || fewer || header.lossy().isPresent();
    }

    private static String shape(TraceHeader header) {
        return Plural.of(header.layers(), "layer") + " of " + Plural.of(header.experts(), "expert") + ", top "
                + header.topK();
    }
}
