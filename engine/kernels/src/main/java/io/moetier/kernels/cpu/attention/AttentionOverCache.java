package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KvLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Attention on all threads: a unit of work is a block of tokens and some heads, those that share a key head if
/// that keeps all threads busy. Units that read the same keys follow each other. With a choice of keys it is one
/// token, whose keys are gathered first.
public final class AttentionOverCache implements WorkerPool.Job {
    /// Queries that read keys and values once for all, about.
    private static final int QUERIES = 16;

    private static final int UNITS_PER_THREAD = 4;

    /// Scores of a unit, about: a millisecond or two, which is what the garbage collector waits for native code.
    private static final int SCORES = 1 << 18;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private float[] q = new float[0];
    private float[] out = q;
    private int n;
    private int firstPosition;
    private @Nullable AttentionShape shape;
    private @Nullable KvLayer cache;
    private float[] blocks = q; // that were chosen
    private @Nullable KeyBlocks chosen;
    private int together = 1;
    private int rows = 1;
    private int rowBlocks;
    private int parts;

    public AttentionOverCache(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// As [io.moetier.kernels.device.Kernels#attention].
    ///
    /// @param blocks what was chosen; not read without `chosen`
    public void run(
            float[] q,
            int n,
            int firstPosition,
            AttentionShape shape,
            KvLayer cache,
            float[] blocks,
            @Nullable KeyBlocks chosen,
            float[] out) {
        this.q = q;
        this.out = out;
        this.n = n;
        this.firstPosition = firstPosition;
        this.shape = shape;
        this.cache = cache;
        this.blocks = blocks;
        this.chosen = chosen == null || chosen.readsAll(firstPosition + n - 1) ? null : chosen;
        int keys = this.chosen == null ? firstPosition + n : this.chosen.keys(firstPosition + n - 1);
        int groups = shape.tiledHeads() ? shape.numHeads() : shape.numKvHeads(); // of neighbours that share a key head
        cut(pool.threads(), keys, shape.numHeads() / groups, groups);
        int units = rowBlocks * (shape.numHeads() / together);
        long bytes = (long) cache.type().bytes() * n * shape.numHeads() * (shape.headDim() + shape.valueDim()) * keys;
        this.parts = Partition.parts(pool.threads(), units, bytes);
        pool.run(this, parts);
    }

    /// Decides what a unit is: fewer tokens rather than threads without work, and fewer heads rather than that.
    private void cut(int threads, int keys, int sharing, int numKvHeads) {
        int most = Math.min(QUERIES, SCORES / keys) / sharing;
        most = chosen == null ? most : 1;
        rows = Math.clamp(n * numKvHeads / (UNITS_PER_THREAD * threads), 1, Math.max(1, most));
        rowBlocks = (n + rows - 1) / rows;
        int groups = rowBlocks * numKvHeads;
        together = groups % threads == 0 || groups >= UNITS_PER_THREAD * threads ? sharing : 1;
    }

    @Override
    public void run(int part, int worker) {
        AttentionShape s = Objects.requireNonNull(shape);
        KvLayer kv = Objects.requireNonNull(cache);
        int units = rowBlocks * (s.numHeads() / together);
        int end = Partition.bound(part + 1, parts, units);
        for (int unit = Partition.bound(part, parts, units); unit < end; unit++) {
            int head = unit / rowBlocks * together;
            int token = unit % rowBlocks * rows;
            int count = Math.min(rows, n - token);
            int at = (token * s.numHeads() + head) * s.headDim();
            int kvHead = s.keyHead(head);
            int position = firstPosition + token;
            Scratch own = scratch[worker];
            KeyBlocks sparse = chosen;
            if (sparse == null || sparse.readsAll(position)) {
                arithmetic.attend(q, at, count, together, position, s, kv, kvHead, out, own);
            } else {
                int choice = token * sparse.floats() + (sparse.numHeads() == 1 ? 0 : kvHead * sparse.most());
                KvLayer gathered = own.gathered.of(kv, kvHead, blocks, choice, sparse, position);
                arithmetic.attend(q, at, 1, together, sparse.keys(position) - 1, s, gathered, 0, out, own);
            }
        }
    }
}
