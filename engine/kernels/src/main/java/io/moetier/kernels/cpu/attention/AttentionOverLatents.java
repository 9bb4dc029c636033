package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.LatentBlock;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Latent attention on all threads: a unit of work is sixteen heads of a token, for which chosen positions are
/// gathered first.
public final class AttentionOverLatents implements WorkerPool.Job {
    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private float[] absorbed = new float[0];
    private float[] q = absorbed;
    private float[] out = absorbed;
    private int firstPosition;
    private @Nullable LatentShape shape;
    private @Nullable LatentLayer cache;
    private float[] blocks = absorbed; // that were chosen
    private @Nullable KeyBlocks chosen;
    private int groups;
    private int units;
    private int parts;

    public AttentionOverLatents(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// As [io.moetier.kernels.device.Kernels#latentAttention].
    ///
    /// @param blocks what was chosen; not read without `chosen`
    public void run(
            float[] absorbed,
            float[] q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            float[] blocks,
            @Nullable KeyBlocks chosen,
            float[] out) {
        this.absorbed = absorbed;
        this.q = q;
        this.out = out;
        this.firstPosition = firstPosition;
        this.shape = shape;
        this.cache = cache;
        this.blocks = blocks;
        this.chosen = chosen;
        int last = firstPosition + n - 1;
        int keys = chosen == null ? last + 1 : chosen.keys(last);
        groups = (shape.numHeads() + LatentBlock.HEADS - 1) / LatentBlock.HEADS;
        units = n * groups;
        long work = (long) units * LatentBlock.HEADS * shape.keyDim() * keys;
        parts = Partition.parts(pool.threads(), units, work);
        pool.run(this, parts);
    }

    @Override
    public void run(int part, int worker) {
        LatentShape s = Objects.requireNonNull(shape);
        LatentLayer latents = Objects.requireNonNull(cache);
        int end = Partition.bound(part + 1, parts, units);
        for (int unit = Partition.bound(part, parts, units); unit < end; unit++) {
            int token = unit / groups;
            int head = unit % groups * LatentBlock.HEADS;
            int count = Math.min(LatentBlock.HEADS, s.numHeads() - head);
            int row = token * s.numHeads() + head;
            int at = row * s.latentDim();
            int position = firstPosition + token;
            int qAt = row * s.queryDim();
            Scratch own = scratch[worker];
            KeyBlocks sparse = chosen;
            if (sparse == null || sparse.readsAll(position)) {
                arithmetic.attendLatents(absorbed, at, q, qAt, count, position, s, latents, out, own);
            } else {
                LatentLayer gathered = own.gathered.of(latents, blocks, token * sparse.floats(), sparse, position);
                int last = sparse.keys(position) - 1;
                arithmetic.attendLatents(absorbed, at, q, qAt, count, last, s, gathered, out, own);
            }
        }
    }
}
