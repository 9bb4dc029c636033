package io.moetier.runtime.trace;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToLongFunction;

/// A routing trace in memory: which experts each token chose, request after request.
public record RoutingTrace(TraceHeader header, List<TraceToken> tokens) {
    public RoutingTrace {
        tokens = List.copyOf(tokens);
    }

    /// Reads a whole trace.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is not a trace
    public static RoutingTrace read(Path file) {
        try (TraceReader reader = TraceReader.open(file)) {
            List<TraceToken> tokens = new ArrayList<>();
            for (TraceToken token = reader.next(); token != null; token = reader.next()) {
                tokens.add(token);
            }
            return new RoutingTrace(reader.header(), tokens);
        }
    }

    /// Returns how often each expert was chosen, `[layers][experts]`.
    public long[][] census() {
        long[][] counts = new long[header.layers()][header.experts()];
        for (TraceToken token : tokens) {
            for (int layer = 0; layer < counts.length; layer++) {
                for (int expert : token.experts()[layer]) {
                    counts[layer][expert]++;
                }
            }
        }
        return counts;
    }

    /// Returns [#census()] as [TraceCensus#byId()] has it.
    public IntToLongFunction censusById() {
        return new TraceCensus(header, census()).byId();
    }
}
