package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.tensor.WeightMatrix;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The choice of keys on all threads, for some tokens at a time: their queries are packed, the scores of a token for a
/// chunk of keys are a unit of work, and then each list of scores is one. A score does not depend on what is computed
/// beside it, and so neither does a choice.
public final class Indexer {
    private static final int CHUNK = KvLayer.CHUNK_POSITIONS;

    /// Scores, and floats of queries, that are there at the same time, about.
    private static final int TOGETHER = 1 << 20;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final LargestKeys[] largest;
    private final WorkerPool.Job packing = this::pack;
    private final WorkerPool.Job scoring = this::score;
    private final WorkerPool.Job choosing = this::choose;
    private PackedColumns[] columns = new PackedColumns[0];
    private float[] scores = new float[0]; // [token, list, stride]
    private float[] q = scores;
    private float @Nullable [] weights;
    private float[] out = scores;
    private int firstPosition;
    private @Nullable IndexShape shape;
    private @Nullable IndexLayer cache;
    private int first; // of the tokens at hand
    private int tokens;
    private int chunks;
    private int stride;
    private int parts;

    public Indexer(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
        largest = new LargestKeys[scratch.length];
        Arrays.setAll(largest, worker -> new LargestKeys());
    }

    /// As [io.moetier.kernels.device.Kernels#chooseKeys].
    public void run(
            float[] q,
            float @Nullable [] weights,
            int n,
            int firstPosition,
            IndexShape shape,
            IndexLayer cache,
            float[] out) {
        this.q = q;
        this.weights = weights;
        this.firstPosition = firstPosition;
        this.shape = shape;
        this.cache = cache;
        this.out = out;
        stride = shape.blocks().begun(firstPosition + n - 1);
        long ofToken = Math.max((long) shape.blocks().numHeads() * stride, (long) shape.numHeads() * shape.dim());
        int together = Math.clamp(TOGETHER / ofToken, 1, n);
        reserve(together, shape, cache);
        for (first = 0; first < n; first += together) {
            tokens = Math.min(together, n - first);
            chunks = Math.ceilDiv(shape.blocks().seen(firstPosition + first + tokens - 1), CHUNK);
            long products = (long) shape.numHeads() * shape.dim();
            run(packing, tokens, Float.BYTES * products * tokens);
            run(
                    scoring,
                    tokens * chunks,
                    products * tokens * stride * shape.blocks().length());
            int lists = tokens * shape.blocks().numHeads();
            run(choosing, lists, 4L * Float.BYTES * lists * stride);
        }
    }

    private void reserve(int together, IndexShape shape, IndexLayer cache) {
        columns = PackedColumns.grown(columns, together);
        for (int token = 0; token < together; token++) {
            arithmetic.reserve(cache.dtype(), shape.dim(), shape.numHeads(), columns[token]);
        }
        scores = Scratch.grown(scores, together * shape.blocks().numHeads() * stride);
    }

    private void run(WorkerPool.Job job, int units, long work) {
        parts = Partition.parts(pool.threads(), units, work);
        pool.run(job, parts);
    }

    private void pack(int part, int worker) {
        IndexShape s = Objects.requireNonNull(shape);
        IndexLayer keys = Objects.requireNonNull(cache);
        int width = s.numHeads() * s.dim();
        for (int token = Partition.bound(part, parts, tokens);
                token < Partition.bound(part + 1, parts, tokens);
                token++) {
            int at = (first + token) * width;
            arithmetic.pack(keys.dtype(), q, at, s.dim(), null, 0, columns[token], 0, s.numHeads());
        }
    }

    private void score(int part, int worker) {
        IndexShape s = Objects.requireNonNull(shape);
        IndexLayer keys = Objects.requireNonNull(cache);
        int units = tokens * chunks;
        for (int unit = Partition.bound(part, parts, units); unit < Partition.bound(part + 1, parts, units); unit++) {
            int token = unit % tokens;
            int start = unit / tokens * CHUNK;
            int count = Math.min(CHUNK, s.blocks().seen(firstPosition + first + token) - start);
            if (count > 0) {
                Scratch own = scratch[worker];
                int tiles = WeightMatrix.tiles(count);
                int length = tiles * WeightMatrix.TILE_ROWS;
                float[] products = own.sums(CHUNK * s.numHeads());
                own.results.dense(products, 0, 0, s.numHeads(), length);
                arithmetic.multiply(keys.chunk(start / CHUNK), 0, tiles, columns[token], own.results, own);
                if (s.isWeighted()) {
                    sum(products, length, s.numHeads(), token, start, count);
                } else {
                    maximum(products, length, s, token, start, count);
                }
            }
        }
    }

    /// Scores of positions: of the products `[numHeads][length]`, those above 0 are weighted and added, head after
    /// head.
    private void sum(float[] products, int length, int numHeads, int token, int start, int count) {
        float[] factors = Objects.requireNonNull(weights);
        int at = token * stride + start;
        Arrays.fill(scores, at, at + count, 0f);
        for (int head = 0; head < numHeads; head++) {
            float factor = factors[(first + token) * numHeads + head];
            for (int i = 0; i < count; i++) {
                scores[at + i] += factor * Math.max(products[head * length + i], 0f);
            }
        }
    }

    /// Scores of blocks, for each head: the largest product of a block, and more than any for the query's own.
    private void maximum(float[] products, int length, IndexShape s, int token, int start, int count) {
        int block = s.blocks().length();
        int own = (firstPosition + first + token) / block;
        for (int head = 0; head < s.numHeads(); head++) {
            int at = (token * s.numHeads() + head) * stride + start / block;
            for (int from = 0; from < count; from += block, at++) {
                float most = (start + from) / block == own ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY;
                for (int i = from; i < Math.min(from + block, count); i++) {
                    most = Math.max(most, products[head * length + i]);
                }
                scores[at] = most;
            }
        }
    }

    private void choose(int part, int worker) {
        IndexShape s = Objects.requireNonNull(shape);
        int heads = s.blocks().numHeads();
        int lists = tokens * heads;
        for (int list = Partition.bound(part, parts, lists); list < Partition.bound(part + 1, parts, lists); list++) {
            int position = firstPosition + first + list / heads;
            int begun = s.blocks().begun(position);
            int to = (first * heads + list) * s.blocks().most();
            if (s.blocks().readsAll(position)) {
                for (int i = 0; i < begun; i++) {
                    out[to + i] = i;
                }
            } else {
                largest[worker].find(scores, list * stride, begun, s.blocks().most(), out, to);
            }
        }
    }

    /// Returns the bytes of what is kept from one call to the next.
    public long byteSize() {
        long most =
                Arrays.stream(largest).mapToLong(LargestKeys::byteSize).max().orElse(0);
        return PackedColumns.byteSize(columns) + (long) Float.BYTES * scores.length + largest.length * most;
    }
}
