package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.KvLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The way of keys and values into their cache, by heads.
public final class StoreKv implements WorkerPool.Job {
    /// An element of a key lies in a line of memory of its own, which takes as long as so many in a row.
    private static final int LINE = 16;

    private final Cut cut;
    private final Arithmetic arithmetic;
    private float[] k = new float[0];
    private float[] v = k;
    private int firstPosition;
    private @Nullable KvLayer cache;

    public StoreKv(WorkerPool pool, Arithmetic arithmetic) {
        cut = new Cut(pool);
        this.arithmetic = arithmetic;
    }

    /// As [io.moetier.kernels.device.Kernels#storeKv].
    public void run(float[] k, float[] v, int n, int firstPosition, KvLayer cache) {
        this.k = k;
        this.v = v;
        this.firstPosition = firstPosition;
        this.cache = cache;
        cut.rows(this, n * cache.numKvHeads(), (long) cache.headDim() * LINE);
    }

    @Override
    public void run(int part, int worker) {
        arithmetic.store(k, v, firstPosition, Objects.requireNonNull(cache), cut.from(part), cut.from(part + 1));
    }
}
