package io.moetier.cluster.drive;

import io.moetier.storage.model.ExpertId;
import java.util.Map;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// How often a token uses each expert of a model, counted while texts are generated; as long as little was counted,
/// mostly what was thought before.
///
/// One thread counts, any may ask. Prompts do not count: however often they use an expert, it is read once for many of
/// their tokens.
final class Uses implements IntToDoubleFunction {
    private static final int TOKENS_BEFORE = 64; // as which what was thought before counts
    private static final int MOST_TOKENS = 16; // of a step in which texts are generated
    private static final int FIRST_PLACEMENT = 256;
    private static final int TIMES_MORE = 4; // tokens until the next placement

    private final IntToDoubleFunction before;
    private final @Nullable AtomicIntegerArray[] counts; // by layer: of its experts, behind them the tokens
    private int tokens; // that the layer which counts most has seen, of the thread that counts
    private int nextPlacement = FIRST_PLACEMENT;

    /// @param before uses of an expert in a token, by packed id
    /// @param numExperts of each layer that has any
    Uses(IntToDoubleFunction before, Map<Integer, Integer> numExperts) {
        this.before = before;
        int numLayers =
                numExperts.keySet().stream().mapToInt(layer -> layer).max().orElse(-1) + 1;
        counts = new AtomicIntegerArray[numLayers];
        numExperts.forEach((layer, number) -> counts[layer] = new AtomicIntegerArray(number + 1));
    }

    /// Counts what a layer has chosen, and says whether so much is known now that experts should be placed anew.
    ///
    /// @param experts `[n]`, distinct
    /// @param uses `[n]`, how many of the tokens have chosen each
    boolean count(int layer, int stepTokens, int[] experts, int[] uses, int n) {
        AtomicIntegerArray of = counts[layer];
        if (of == null || stepTokens > MOST_TOKENS) {
            return false;
        }
        for (int i = 0; i < n; i++) {
            of.setPlain(experts[i], of.getPlain(experts[i]) + uses[i]);
        }
        int seen = of.getPlain(of.length() - 1) + stepTokens;
        of.setRelease(of.length() - 1, seen);
        tokens = Math.max(tokens, seen);
        if (tokens < nextPlacement) {
            return false;
        }
        nextPlacement = (int) Math.min(Integer.MAX_VALUE, (long) TIMES_MORE * nextPlacement);
        return true;
    }

    @Override
    public double applyAsDouble(int id) {
        AtomicIntegerArray of = counts[ExpertId.layerOf(id)];
        if (of == null) {
            return before.applyAsDouble(id);
        }
        int seen = of.getAcquire(of.length() - 1);
        int count = of.getPlain(ExpertId.expertOf(id));
        return (TOKENS_BEFORE * before.applyAsDouble(id) + count) / (TOKENS_BEFORE + seen);
    }
}
