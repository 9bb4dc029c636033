package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.LatentBlock;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.LatentLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Compressed attention on all threads: a unit of work is a token, or sixteen heads of it where there are few tokens.
/// Its rows are gathered, entries before positions, and are then latents like others.
public final class AttentionOverEntries implements WorkerPool.Job {
    private static final int UNITS_PER_THREAD = 4;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private float[] q = new float[0];
    private float[] out = q;
    private int firstPosition;
    private @Nullable CompressedShape shape;
    private @Nullable LatentLayer recent;
    private @Nullable LatentLayer entries;
    private float[] blocks = q; // that were chosen
    private @Nullable KeyBlocks chosen;
    private int together; // heads of a unit
    private int unitsOfToken;
    private int units;
    private int parts;

    public AttentionOverEntries(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// As [io.moetier.kernels.device.Kernels#compressedAttention].
    ///
    /// @param blocks what was chosen; not read without `chosen`
    public void run(
            float[] q,
            int n,
            int firstPosition,
            CompressedShape shape,
            LatentLayer recent,
            @Nullable LatentLayer entries,
            float[] blocks,
            @Nullable KeyBlocks chosen,
            float[] out) {
        this.q = q;
        this.out = out;
        this.firstPosition = firstPosition;
        this.shape = shape;
        this.recent = recent;
        this.entries = entries;
        this.blocks = blocks;
        this.chosen = chosen;
        int last = firstPosition + n - 1;
        together = n >= UNITS_PER_THREAD * pool.threads() ? shape.numHeads() : LatentBlock.HEADS;
        unitsOfToken = Math.ceilDiv(shape.numHeads(), together);
        units = n * unitsOfToken;
        long rows = (long) shape.read(last, chosen) + shape.recent(last);
        parts = Partition.parts(pool.threads(), units, (long) n * shape.numHeads() * shape.headDim() * rows);
        pool.run(this, parts);
    }

    @Override
    public void run(int part, int worker) {
        CompressedShape s = Objects.requireNonNull(shape);
        LatentLayer positions = Objects.requireNonNull(recent);
        Scratch own = scratch[worker];
        int end = Partition.bound(part + 1, parts, units);
        for (int unit = Partition.bound(part, parts, units); unit < end; unit++) {
            int token = unit / unitsOfToken;
            int position = firstPosition + token;
            int choice = chosen == null ? 0 : token * chosen.floats();
            LatentLayer rows = own.gathered.of(s, positions, entries, blocks, choice, chosen, position);
            int last = s.read(position, chosen) + s.recent(position) - 1;
            int first = unit % unitsOfToken * together;
            int behind = Math.min(first + together, s.numHeads());
            for (int head = first; head < behind; head += LatentBlock.HEADS) {
                int count = Math.min(LatentBlock.HEADS, behind - head);
                int at = (token * s.numHeads() + head) * s.headDim();
                arithmetic.attendLatents(q, at, q, 0, count, last, s.rows(), rows, out, own);
            }
        }
    }
}
