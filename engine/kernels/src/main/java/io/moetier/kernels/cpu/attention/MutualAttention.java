package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.SequenceShape;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Attention of all rows to all. Head by head, keys and values are laid out as in a cache, and some queries at a time
/// read them as if all were at the last position. So the kernels of the cache compute it, and heads are filled up
/// with zeros to whole vectors.
public final class MutualAttention {
    /// Queries that read keys and values once for all.
    private static final int QUERIES = 16;

    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final Cut keyRows;
    private final Cut queryBlocks;
    private final float[][] filled; // of each thread: rows with zeros behind each
    private final float[][] results;
    private final Storing storing = new Storing();
    private final Attending attending = new Attending();
    private float[] q = new float[0];
    private float[] k = q;
    private float[] v = q;
    private float[] out = q;
    private int n;
    private int head;
    private int headDim;
    private int stride; // of rows
    private int width; // of a head with zeros
    private @Nullable KvLayer cache; // of one head
    private @Nullable AttentionShape shape;

    public MutualAttention(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.arithmetic = arithmetic;
        this.scratch = scratch;
        keyRows = new Cut(pool);
        queryBlocks = new Cut(pool);
        filled = new float[pool.threads()][0];
        results = new float[pool.threads()][0];
    }

    /// Returns the bytes of the keys and values of a head, which stay.
    public long byteSize() {
        return cache == null ? 0 : cache.allocatedBytes();
    }

    /// As [io.moetier.kernels.device.Kernels#mutualAttention].
    public void run(float[] q, float[] k, float[] v, int n, SequenceShape heads, float[] out) {
        this.q = q;
        this.k = k;
        this.v = v;
        this.n = n;
        this.out = out;
        headDim = heads.headDim();
        stride = heads.numHeads() * headDim;
        width = Math.ceilDiv(headDim, KvLayer.TILE_KEYS) * KvLayer.TILE_KEYS;
        shape = new AttentionShape(QUERIES, 1, width, heads.scale(), 0);
        KvLayer known = cache;
        if (known == null || known.headDim() != width || known.capacity() < n) {
            known = new KvLayer(Arena.ofAuto(), KvType.F32, n, 1, width);
            cache = known;
        }
        known.reserve(n);
        for (int worker = 0; worker < filled.length; worker++) {
            filled[worker] = Scratch.grown(filled[worker], QUERIES * width);
            results[worker] = Scratch.grown(results[worker], QUERIES * width);
        }
        for (head = 0; head < heads.numHeads(); head++) {
            keyRows.rows(storing, n, 2L * width);
            queryBlocks.rows(attending, Math.ceilDiv(n, QUERIES), 8L * QUERIES * n * width);
        }
    }

    /// Copies a head of a row, zeros behind it.
    private void fill(float[] from, int row, float[] to, int at) {
        System.arraycopy(from, row * stride + head * headDim, to, at, headDim);
        Arrays.fill(to, at + headDim, at + width, 0);
    }

    private final class Storing implements WorkerPool.Job {
        @Override
        public void run(int part, int worker) {
            KvLayer to = Objects.requireNonNull(cache);
            float[] keys = filled[worker];
            float[] values = results[worker];
            for (int row = keyRows.from(part); row < keyRows.from(part + 1); row++) {
                fill(k, row, keys, 0);
                fill(v, row, values, 0);
                to.store(row, 0, keys, 0, values, 0);
            }
        }
    }

    private final class Attending implements WorkerPool.Job {
        @Override
        public void run(int part, int worker) {
            KvLayer from = Objects.requireNonNull(cache);
            AttentionShape all = Objects.requireNonNull(shape);
            float[] queries = filled[worker];
            float[] sums = results[worker];
            for (int block = queryBlocks.from(part); block < queryBlocks.from(part + 1); block++) {
                int first = block * QUERIES;
                int count = Math.min(QUERIES, n - first);
                for (int i = 0; i < count; i++) {
                    fill(q, first + i, queries, i * width);
                }
                arithmetic.attend(queries, 0, 1, count, n - 1, all, from, 0, sums, scratch[worker]);
                for (int i = 0; i < count; i++) {
                    int to = (first + i) * stride + head * headDim;
                    System.arraycopy(sums, i * width, out, to, headDim);
                }
            }
        }
    }
}
