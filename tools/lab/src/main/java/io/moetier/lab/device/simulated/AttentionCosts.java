package io.moetier.lab.device.simulated;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.SequenceShape;

/// Charges attention as `attention.cu` does it: what a token sees of the cache, in spans of positions that are joined
/// by one more launch, and lanes for each position and element as the emulated driver counts them.
final class AttentionCosts {
    private static final int SPAN = 1024;
    private static final long MOST_PARTIAL = 1 << 22;
    private static final double LANES_OF_POSITION = 920;
    private static final double LANES_OF_ELEMENT = 11;

    private final SimulatedTime time;

    AttentionCosts(SimulatedTime time) {
        this.time = time;
    }

    /// As [io.moetier.kernels.device.Kernels#attention].
    void overCache(int n, int firstPosition, AttentionShape shape, KvLayer cache) {
        int first = shape.firstVisible(firstPosition);
        long keyBytes = 2L * cache.numKvHeads() * cache.headDim() * cache.type().bytes();
        launch("attend", n, first, firstPosition + n, shape.numHeads(), shape.headDim(), shape.headDim(), keyBytes);
    }

    /// As [io.moetier.kernels.device.Kernels#latentAttention].
    void overLatents(int n, int firstPosition, LatentShape shape, LatentLayer cache) {
        long keyBytes =
                (long) (cache.latentDim() + cache.ropeDim()) * cache.type().bytes();
        int keys = firstPosition + n;
        launch("attend_latents", n, 0, keys, shape.numHeads(), shape.keyDim(), shape.latentDim(), keyBytes);
    }

    /// As [io.moetier.kernels.device.Kernels#sequenceAttention].
    void overSequence(int n, int numKeys, SequenceShape shape) {
        long keyBytes = 2L * shape.numHeads() * shape.headDim() * Float.BYTES;
        launch("attend_sequence", n, 0, numKeys, shape.numHeads(), shape.headDim(), shape.headDim(), keyBytes);
    }

    private void launch(String kernel, int n, int first, int keys, int heads, int keyDim, int valueDim, long keyBytes) {
        int numSpans = (keys - 1) / SPAN - first / SPAN + 1;
        long partial = (long) heads * numSpans * (valueDim + 2);
        int together = numSpans == 1 ? n : Math.clamp(MOST_PARTIAL / partial, 1, n);
        for (int token = 0; token < n; token += together) {
            int tokens = Math.min(together, n - token);
            double visible = keys - first - (tokens - 1) / 2.0; // of a token, in the mean
            double queries = (double) Float.BYTES * tokens * heads * (keyDim + valueDim);
            double ofPosition = LANES_OF_POSITION + LANES_OF_ELEMENT * (keyDim + valueDim) / 2;
            time.launch(kernel, queries + (double) (keys - first) * keyBytes, tokens * heads * visible * ofPosition);
            if (numSpans > 1) {
                time.launch("join_spans", (double) Float.BYTES * tokens * partial, 0);
            }
        }
    }
}
