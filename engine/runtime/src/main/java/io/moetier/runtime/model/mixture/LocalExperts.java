package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.MixtureBuffers;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The experts that are computed where everything else is, from their inputs to their rows.
final class LocalExperts implements ExpertPlace {
    /// Most rows of experts that are computed together, but for those of one expert: enough that threads have work.
    static final int MOST_ROWS = 1024;

    /// Most of what they leave between gate and down, 16 MiB, but for one expert.
    static final int MOST_HIDDEN = 1 << 22;

    private final Kernels kernels;
    private final ExpertBatch batch = new ExpertBatch();
    private @Nullable MixtureBuffers buffers; // null before the first layer
    private int n;
    private @Nullable DeviceBuffer inputs;
    private int[] inputRows = {};

    LocalExperts(Kernels kernels) {
        this.kernels = kernels;
    }

    /// Begins a layer whose experts read rows `inputRows` of `inputs`, of `n` tokens.
    void begin(int n, MixtureBuffers buffers, DeviceBuffer inputs, int[] inputRows) {
        this.n = n;
        this.buffers = buffers;
        this.inputs = inputs;
        this.inputRows = inputRows;
        batch.begin(inputRows, buffers.groups().rows, n);
    }

    /// Returns what is computed next.
    ExpertBatch batch() {
        return batch;
    }

    @Override
    public void add(ExpertWeights weights, int expert) {
        ExpertGroups groups = begun().groups();
        if (!hasRoom(batch, weights, groups.size(expert))) {
            compute();
        }
        batch.add(weights, groups.start(expert), groups.size(expert));
    }

    /// Says whether an expert with so many rows is computed together with those of a batch.
    static boolean hasRoom(ExpertBatch batch, ExpertWeights weights, int rows) {
        return batch.numRows() + rows <= MOST_ROWS
                && batch.numHidden() + (long) rows * weights.up().rows() <= MOST_HIDDEN;
    }

    @Override
    public void compute() {
        MixtureBuffers begun = begun();
        kernels.expertFfn(batch, Objects.requireNonNull(inputs), begun.expertRows());
        batch.begin(inputRows, begun.groups().rows, n);
    }

    private MixtureBuffers begun() {
        return Objects.requireNonNull(buffers, "no layer has begun");
    }
}
