package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.IndexLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The way of index keys into their cache, by tokens.
public final class StoreIndexKeys implements WorkerPool.Job {
    /// An element of a key lies in a line of memory of its own, which takes as long as so many in a row.
    private static final int LINE = 16;

    private final Cut cut;
    private float[] keys = new float[0];
    private int firstPosition;
    private @Nullable IndexLayer cache;

    public StoreIndexKeys(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#storeIndexKeys].
    public void run(float[] keys, int n, int firstPosition, IndexLayer cache) {
        this.keys = keys;
        this.firstPosition = firstPosition;
        this.cache = cache;
        cut.rows(this, n, (long) cache.dim() * LINE);
    }

    @Override
    public void run(int part, int worker) {
        IndexLayer to = Objects.requireNonNull(cache);
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
            to.store(firstPosition + token, keys, token * to.dim());
        }
    }
}
