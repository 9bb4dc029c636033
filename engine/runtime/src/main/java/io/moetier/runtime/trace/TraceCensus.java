package io.moetier.runtime.trace;

import io.moetier.storage.model.ExpertId;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntToLongFunction;

/// How often a routing trace chose each expert.
///
/// Memory does not grow with the trace.
public final class TraceCensus {
    private final TraceHeader header;
    private final long[][] chosen; // [layers][experts]

    /// @param chosen how often, `[layers][experts]`
    TraceCensus(TraceHeader header, long[][] chosen) {
        this.header = header;
        this.chosen = chosen;
    }

    /// Counts a whole trace.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is not a trace
    public static TraceCensus read(Path file) {
        try (TraceReader reader = TraceReader.open(file)) {
            TraceHeader header = reader.header();
            long[][] chosen = new long[header.layers()][header.experts()];
            TokenRow row = new TokenRow(header);
            while (reader.read(row)) {
                add(row, chosen);
            }
            return new TraceCensus(header, chosen);
        }
    }

    private static void add(TokenRow row, long[][] chosen) {
        for (int i = 0; i < row.experts.length; i++) {
            if (row.experts[i] != TokenRow.NONE) {
                chosen[i / row.topK][row.experts[i]]++;
            }
        }
    }

    public TraceHeader header() {
        return header;
    }

    /// Returns the counts by packed id, whose layer is the decoder layer; an expert that is not in the trace counts 0.
    public IntToLongFunction byId() {
        List<Integer> layers = header.moeLayerIndices();
        return id -> {
            int layer = layers.indexOf(ExpertId.layerOf(id));
            return layer < 0 || ExpertId.expertOf(id) >= header.experts() ? 0 : chosen[layer][ExpertId.expertOf(id)];
        };
    }
}
