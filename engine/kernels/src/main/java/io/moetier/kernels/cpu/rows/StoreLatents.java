package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.LatentLayer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The way of latents and rotated keys into their cache, by tokens.
public final class StoreLatents implements WorkerPool.Job {
    private final Cut cut;
    private float[] latents = new float[0];
    private float[] keys = latents;
    private int firstPosition;
    private @Nullable LatentLayer cache;

    public StoreLatents(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#storeLatents].
    public void run(float[] latents, float[] keys, int n, int firstPosition, LatentLayer cache) {
        this.latents = latents;
        this.keys = keys;
        this.firstPosition = firstPosition;
        this.cache = cache;
        cut.rows(this, n, (long) cache.latentDim() + cache.ropeDim());
    }

    @Override
    public void run(int part, int worker) {
        LatentLayer to = Objects.requireNonNull(cache);
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
            to.store(firstPosition + token, latents, token * to.latentDim(), keys, token * to.ropeDim());
        }
    }
}
