package io.moetier.engine.device.cpu;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.KvLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Attention on all threads: a unit of work is a token and some heads, those that share a key head if that keeps all
/// threads busy. Units that read the same keys follow each other.
final class AttentionOverCache {
    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final WorkerPool.Job unitsOfPart = this::unitsOfPart;
    private float[] q = new float[0];
    private float[] out = q;
    private int n;
    private int firstPosition;
    private @Nullable AttentionShape shape;
    private @Nullable KvLayer cache;
    private int together = 1;
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
        this.together = together(pool.threads(), n, shape);
        int units = n * shape.numHeads() / together;
        long bytes = 8L * n * shape.numHeads() * shape.headDim() * (firstPosition + n);
        this.parts = Partition.parts(pool.threads(), units, bytes);
        pool.run(unitsOfPart, parts);
    }

    /// Returns how many heads of a token one thread takes together: all that share a key head, unless that would leave
    /// threads without work.
    private static int together(int threads, int n, AttentionShape shape) {
        int groups = n * shape.numKvHeads();
        return groups % threads == 0 || groups >= 4 * threads ? shape.numHeads() / shape.numKvHeads() : 1;
    }

    private void unitsOfPart(int part, int worker) {
        AttentionShape s = Objects.requireNonNull(shape);
        KvLayer kv = Objects.requireNonNull(cache);
        int units = n * s.numHeads() / together;
        int end = Partition.bound(part + 1, parts, units);
        for (int unit = Partition.bound(part, parts, units); unit < end; unit++) {
            int head = unit / n * together;
            int token = unit % n;
            int at = (token * s.numHeads() + head) * s.headDim();
            int kvHead = head / (s.numHeads() / s.numKvHeads());
            arithmetic.attend(q, at, together, firstPosition + token, s, kv, kvHead, out, scratch[worker]);
        }
    }
}
