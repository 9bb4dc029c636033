package io.moetier.lab.foreign;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;

/// Writes a trace of a foreign format as one of format moe-trace/1.
///
/// @param format of the file that is read
/// @param model name for the header; empty for what the file says, or its own name
/// @param numExperts experts of a layer; empty for what the file says, or the highest one that was chosen
/// @param promptTokens tokens of each request that are its prompt, where the file does not say
public record TraceConversion(ForeignFormat format, Optional<String> model, OptionalInt numExperts, int promptTokens) {
    private static final String UNKNOWN_EXPERTS = "experts: up to the highest one that was chosen";

    /// @throws io.moetier.runtime.option.InvalidOptionException if a number is out of its range
    public TraceConversion {
        numExperts.ifPresent(number -> require(
                number >= 1 && number <= TraceHeader.MAX_INDEX, "numExperts", "1 to " + TraceHeader.MAX_INDEX, number));
        require(promptTokens >= 0, "promptTokens", "0 or more", promptTokens);
    }

    /// Converts `in` to `out`, which is replaced once the whole of it is there, and returns the number of tokens.
    ///
    /// @throws MalformedModelException if `in` is not of the format or has no tokens
    /// @throws java.io.UncheckedIOException if `out` cannot be written
    public long convert(Path in, Path out) {
        ForeignTrace trace = open(in);
        Shape shape = new Shape();
        trace.read(shape::add);
        if (shape.layers.isEmpty()) {
            throw new MalformedModelException(in + ": expected tokens that chose experts, found none");
        }
        List<Integer> layers = List.copyOf(shape.layers);
        TraceHeader header;
        try {
            header = header(in, trace, shape, layers);
        } catch (IllegalArgumentException e) {
            throw new MalformedModelException(in + ": " + e.getMessage(), e);
        }
        try (TraceRecorder recorder = new TraceRecorder(out, header)) {
            trace.read(token -> recorder.record(token.toToken(layers)));
            if (recorder.numTokens() != shape.tokens) {
                throw MalformedModelException.of(
                        in, "tokens", shape.tokens + " at the second reading as at the first", recorder.numTokens());
            }
            recorder.finish();
        }
        return shape.tokens;
    }

    private ForeignTrace open(Path in) {
        int most = numExperts.orElse(TraceHeader.MAX_INDEX);
        return switch (format) {
            case ROUTE_TRACE -> new RouteTrace(in, most);
            case LLAMA_MOE_TRACE -> new LlamaMoeTrace(in, most);
            case VLLM -> vllm(in, most);
        };
    }

    private ForeignTrace vllm(Path in, int most) {
        if (ForeignFormat.isArray(in)) {
            return new VllmArray(in, most, promptTokens);
        }
        return ForeignFormat.isArchive(in)
                ? new VllmArchive(in, most, promptTokens)
                : new VllmResponses(in, most, promptTokens);
    }

    private TraceHeader header(Path in, ForeignTrace trace, Shape shape, List<Integer> layers) {
        OptionalInt known = numExperts.isPresent() ? numExperts : trace.numExperts();
        return new TraceHeader(
                model.or(trace::model).orElse(String.valueOf(in.getFileName())),
                new TraceHeader.Shape(known.orElse(shape.highest + 1), shape.topK, layers),
                TraceHeader.Contents.NONE,
                new TraceHeader.Origin(
                        "converted by moetier from " + format.label(),
                        "",
                        "",
                        "as the model applied them",
                        known.isPresent() ? "" : UNKNOWN_EXPERTS),
                Optional.empty());
    }

    /// What the header says of all tokens.
    private static final class Shape {
        private final SortedSet<Integer> layers = new TreeSet<>();
        private long tokens;
        private int topK;
        private int highest;

        void add(ForeignToken token) {
            tokens++;
            token.choices().forEach((layer, choice) -> {
                layers.add(layer);
                topK = choice.experts().length; // the formats see to it that it is always the same
                for (int expert : choice.experts()) {
                    highest = Math.max(highest, expert);
                }
            });
        }
    }
}
