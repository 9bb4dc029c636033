package io.moetier.engine.device.cpu;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.KvLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Attention on all threads: a part is a range of (head, token) pairs, the tokens of a head together, since they read
/// the same keys.
final class AttentionOverCache {
    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final WorkerPool.Job pairs = this::pairs;
    private float[] q = new float[0];
    private float[] out = q;
    private int n;
    private int firstPosition;
    private @Nullable AttentionShape shape;
    private @Nullable KvLayer cache;
    private int parts;

    AttentionOverCache(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// As [io.moetier.engine.device.Kernels#attention].
    void run(float[] q, int n, int firstPosition, AttentionShape shape, KvLayer cache, float[] out) {
        this.q = q;
        this.out = out;
        this.n = n;
        this.firstPosition = firstPosition;
        this.shape = shape;
        this.cache = cache;
        int numPairs = n * shape.numHeads();
        long bytes = 8L * numPairs * shape.headDim() * (firstPosition + n);
        this.parts = Partition.parts(pool.threads(), numPairs, bytes);
        pool.run(pairs, parts);
    }

    private void pairs(int part, int worker) {
        AttentionShape s = Objects.requireNonNull(shape);
        KvLayer kv = Objects.requireNonNull(cache);
        int numPairs = n * s.numHeads();
        int end = Partition.bound(part + 1, parts, numPairs);
        for (int pair = Partition.bound(part, parts, numPairs); pair < end; pair++) {
            int head = pair / n;
            int token = pair % n;
            int at = (token * s.numHeads() + head) * s.headDim();
            int kvHead = head / (s.numHeads() / s.numKvHeads());
            arithmetic.attend(q, at, firstPosition + token, s, kv, kvHead, out, scratch[worker]);
        }
    }
}
