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
        if (!batch.hasRoom(weights, groups.size(expert))) {
            compute();
        }
        batch.add(weights, groups.start(expert), groups.size(expert));
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
