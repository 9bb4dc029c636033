package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.ExpertChoice;
import io.moetier.kernels.device.Routing;
import org.jspecify.annotations.Nullable;

/// The choice of experts, shared among threads by tokens.
public final class TopK implements WorkerPool.Job {
    /// An exponential takes about as long as so many bytes from memory.
    private static final long WORK = 64;

    private final WorkerPool pool;
    private final ExpertChoice[] choices; // of each thread
    private float[] logits = new float[0];
    private float @Nullable [] correction;
    private int n;
    private Routing routing = Routing.softmax(1, 1);
    private int[] ids = new int[0];
    private float[] weights = logits;
    private int parts;

    public TopK(WorkerPool pool) {
        this.pool = pool;
        choices = new ExpertChoice[pool.threads()];
        for (int i = 0; i < choices.length; i++) {
            choices[i] = new ExpertChoice();
        }
    }

    /// As [io.moetier.kernels.device.Kernels#route].
    public void run(float[] logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        this.logits = logits;
        this.n = n;
        this.routing = routing;
        this.correction = correction;
        this.ids = ids;
        this.weights = weights;
        this.parts = Partition.parts(pool.threads(), n, WORK * n * routing.numExperts());
        pool.run(this, parts);
    }

    @Override
    public void run(int part, int worker) {
        int end = Partition.bound(part + 1, parts, n);
        for (int token = Partition.bound(part, parts, n); token < end; token++) {
            choices[worker].choose(
                    routing,
                    logits,
                    token * routing.numExperts(),
                    correction,
                    ids,
                    weights,
                    token * routing.numExpertsPerToken());
        }
    }
}
