package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.ExpertChoice;
import io.moetier.kernels.device.Routing;
import org.jspecify.annotations.Nullable;

/// The choice of experts, shared among threads by tokens.
public final class TopK implements WorkerPool.Job {
    /// An exponential takes about as long as so many bytes from memory.
    private static final long WORK = 64;

    private final Cut cut;
    private final ExpertChoice[] choices; // of each thread
    private float[] logits = new float[0];
    private float @Nullable [] correction;
    private Routing routing = Routing.softmax(1, 1);
    private int[] ids = new int[0];
    private float[] weights = logits;

    public TopK(WorkerPool pool) {
        cut = new Cut(pool);
        choices = new ExpertChoice[pool.threads()];
        for (int i = 0; i < choices.length; i++) {
            choices[i] = new ExpertChoice();
        }
    }

    /// As [io.moetier.kernels.device.Kernels#route].
    public void run(float[] logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        this.logits = logits;
        this.routing = routing;
        this.correction = correction;
        this.ids = ids;
        this.weights = weights;
        cut.rows(this, n, WORK * routing.numExperts());
    }

    @Override
    public void run(int part, int worker) {
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
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
