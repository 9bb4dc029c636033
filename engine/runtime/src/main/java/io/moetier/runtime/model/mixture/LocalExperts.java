package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.Workspace;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The experts that are computed where everything else is, from the workspace into the workspace.
final class LocalExperts implements ExpertPlace {
    /// Most rows of experts that are computed together: what they leave between gate and down should stay in the cache.
    private static final int MOST_ROWS = 1024;

    private final Kernels kernels;
    private final ExpertBatch batch = new ExpertBatch();
    private @Nullable Workspace workspace; // null before the first layer
    private @Nullable DeviceBuffer inputs;
    private int[] inputRows = {};

    LocalExperts(Kernels kernels) {
        this.kernels = kernels;
    }

    /// Begins a layer whose experts read rows `inputRows` of `inputs`.
    void begin(Workspace layerWorkspace, DeviceBuffer inputs, int[] inputRows) {
        workspace = layerWorkspace;
        this.inputs = inputs;
        this.inputRows = inputRows;
        batch.begin(inputRows, layerWorkspace.groups.rows, layerWorkspace.n);
    }

    /// Returns what is computed next.
    ExpertBatch batch() {
        return batch;
    }

    @Override
    public void add(ExpertWeights weights, int expert) {
        ExpertGroups groups = begun().groups;
        if (batch.numRows() + groups.size(expert) > MOST_ROWS) {
            compute();
        }
        batch.add(weights, groups.start(expert), groups.size(expert));
    }

    @Override
    public void compute() {
        Workspace begun = begun();
        kernels.expertFfn(batch, Objects.requireNonNull(inputs), begun.expertRows);
        batch.begin(inputRows, begun.groups.rows, begun.n);
    }

    private Workspace begun() {
        return Objects.requireNonNull(workspace, "no layer has begun");
    }
}
