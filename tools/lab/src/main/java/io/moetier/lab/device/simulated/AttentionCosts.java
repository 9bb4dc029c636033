package io.moetier.lab.device.simulated;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.SequenceShape;
import org.jspecify.annotations.Nullable;

/// Charges attention as `attention.cu` does it: what a token sees of the cache, in spans of positions that are joined
/// by one more launch, and lanes for each position and element as the emulated driver counts them.
final class AttentionCosts {
    private static final int SPAN = 1024;
    private static final long MOST_PARTIAL = 1 << 22;
    private static final double LANES_OF_HEAD = 70_000; // of a token, however many positions it sees
    private static final double LANES_OF_POSITION = 570;
    private static final double LANES_OF_ELEMENT = 11;
    private static final double LANES_OF_SCORE = 300; // eight passes that count sixteen digits

    private final SimulatedTime time;

    AttentionCosts(SimulatedTime time) {
        this.time = time;
    }

    /// As [io.moetier.kernels.device.Kernels#attention].
    void overCache(int n, int firstPosition, AttentionShape shape, KvLayer cache, @Nullable KeyChoice choice) {
        int first = shape.firstVisible(firstPosition);
        long keyBytes = KvLayer.bytesPerPosition(cache.type(), cache.numKvHeads(), cache.headDim(), cache.valueDim());
        int keys = keys(firstPosition + n, choice);
        String kernel = choice == null ? "attend" : "attend_chosen";
        launch(kernel, n, first, keys, shape.numHeads(), shape.headDim(), shape.valueDim(), keyBytes);
    }

    /// Returns how many keys the last of some queries reads.
    private static int keys(int positions, @Nullable KeyChoice choice) {
        return choice == null ? positions : choice.shape().keys(positions - 1);
    }

    /// As [io.moetier.kernels.device.Kernels#latentAttention].
    void overLatents(int n, int firstPosition, LatentShape shape, LatentLayer cache, @Nullable KeyChoice choice) {
        long keyBytes =
                (long) (cache.latentDim() + cache.ropeDim()) * cache.type().bytes();
        int keys = keys(firstPosition + n, choice);
        String kernel = choice == null ? "attend_latents" : "attend_chosen_latents";
        launch(kernel, n, 0, keys, shape.numHeads(), shape.keyDim(), shape.latentDim(), keyBytes);
    }

    /// As [io.moetier.kernels.device.Kernels#compressedAttention].
    void overEntries(int n, int firstPosition, CompressedShape shape, LatentLayer recent, @Nullable KeyChoice choice) {
        int last = firstPosition + n - 1;
        int rows = shape.read(last, choice == null ? null : choice.shape()) + shape.recent(last);
        long rowBytes = (long) shape.headDim() * recent.type().bytes();
        launch("attend_compressed", n, 0, rows, shape.numHeads(), shape.headDim(), shape.headDim(), rowBytes);
    }

    /// As [io.moetier.kernels.device.Kernels#sequenceAttention].
    void overSequence(int n, int numKeys, SequenceShape shape) {
        long keyBytes = 2L * shape.numHeads() * shape.headDim() * Float.BYTES;
        launch("attend_sequence", n, 0, numKeys, shape.numHeads(), shape.headDim(), shape.headDim(), keyBytes);
    }

    /// As [io.moetier.kernels.device.Kernels#chooseKeys]: a launch for scores and one that chooses, charged for their
    /// products and for what is read of each score, which nobody has compared.
    void ofIndex(int n, int firstPosition, IndexShape shape, IndexLayer cache) {
        double keys = shape.blocks().seen(firstPosition + n - 1);
        double products = n * keys * shape.numHeads() * shape.dim();
        double queries = (double) Float.BYTES * n * shape.numHeads() * shape.dim();
        time.launch("index_scores", queries + keys * shape.dim() * cache.type().bytes(), 2 * products);
        double scores = (double) n * shape.blocks().numHeads() * shape.blocks().begun(firstPosition + n - 1);
        time.launch("choose_keys", Float.BYTES * scores, LANES_OF_SCORE * scores);
    }

    private void launch(String kernel, int n, int first, int keys, int heads, int keyDim, int valueDim, long keyBytes) {
        int numSpans = (keys - 1) / SPAN - first / SPAN + 1;
        long partial = (long) heads * numSpans * (valueDim + 2);
        int together = numSpans == 1 ? n : Math.clamp(MOST_PARTIAL / partial, 1, n);
        for (int token = 0; token < n; token += together) {
            int tokens = Math.min(together, n - token);
            double visible = Math.max(1, keys - first - (tokens - 1) / 2.0); // of a token, in the mean
            double queries = (double) Float.BYTES * tokens * heads * (keyDim + valueDim);
            double ofPosition = LANES_OF_POSITION + LANES_OF_ELEMENT * (keyDim + valueDim) / 2;
            double lanes = tokens * heads * (LANES_OF_HEAD + visible * ofPosition);
            time.launch(kernel, queries + (double) (keys - first) * keyBytes, lanes);
            if (numSpans > 1) {
                time.launch("join_spans", (double) Float.BYTES * tokens * partial, 0);
            }
        }
    }
}
