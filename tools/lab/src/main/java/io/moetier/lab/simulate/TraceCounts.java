package io.moetier.lab.simulate;

import io.moetier.runtime.trace.TokenRow;
import io.moetier.runtime.trace.TraceReader;
import java.util.Arrays;

/// How often a trace chooses each expert, and after how many tokens again.
///
/// Memory does not grow with the trace.
public final class TraceCounts {
    private static final int NEVER = -1;
    private static final int MOST_CLASSES = 32; // powers of two

    private final long[][] chosen;
    private final long[] reuses = new long[MOST_CLASSES];
    private long tokens;
    private long firstUses;

    private TraceCounts(int layers, int experts) {
        chosen = new long[layers][experts];
    }

    /// Reads `trace` to its end.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is damaged
    public static TraceCounts of(TraceReader trace) {
        int layers = trace.header().layers();
        int topK = trace.header().topK();
        TraceCounts counts = new TraceCounts(layers, trace.header().experts());
        long[][] lastUse = new long[layers][trace.header().experts()];
        for (long[] layer : lastUse) {
            Arrays.fill(layer, NEVER);
        }
        TokenRow row = new TokenRow(trace.header());
        while (trace.read(row)) {
            for (int i = 0; i < row.experts().length; i++) {
                if (row.experts()[i] != TokenRow.NONE) {
                    counts.add(i / topK, row.experts()[i], lastUse[i / topK]);
                }
            }
            counts.tokens++;
        }
        return counts;
    }

    /// Returns how often each expert was chosen, `[layers][experts]`.
    public long[][] chosen() {
        return chosen;
    }

    public long tokens() {
        return tokens;
    }

    /// Returns the uses of an expert that the trace had not used in that layer before.
    public long firstUses() {
        return firstUses;
    }

    /// Returns the uses by the tokens since the last use of the same expert in the same layer: at index c those of
    /// 2^c tokens and more, but fewer than 2^(c+1); 1 is the next token. As long as there are uses.
    public long[] reuses() {
        int length = MOST_CLASSES;
        while (length > 0 && reuses[length - 1] == 0) {
            length--;
        }
        return Arrays.copyOf(reuses, length);
    }

    private void add(int layer, int expert, long[] lastUse) {
        chosen[layer][expert]++;
        if (lastUse[expert] == NEVER) {
            firstUses++;
        } else {
            long distance = tokens - lastUse[expert];
            reuses[Math.min(MOST_CLASSES - 1, Long.SIZE - 1 - Long.numberOfLeadingZeros(distance))]++;
        }
        lastUse[expert] = tokens;
    }
}
