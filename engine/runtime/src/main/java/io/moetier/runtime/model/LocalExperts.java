package io.moetier.runtime.model;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.Kernels;

/// The experts that are computed where everything else is, from the workspace into the workspace.
final class LocalExperts implements ExpertPlace {
    /// Most rows of experts that are computed together: what they leave between gate and down should stay in the cache.
    private static final int MOST_ROWS = 1024;

    private final Kernels kernels;
    private final Workspace workspace;
    private final ExpertBatch batch = new ExpertBatch();
    private DeviceBuffer inputs;
    private int[] inputRows;

    /// @param workspace whose buffers and groups are there already
    LocalExperts(Kernels kernels, Workspace workspace) {
        this.kernels = kernels;
        this.workspace = workspace;
        inputs = workspace.normed;
        inputRows = workspace.groups.tokens;
    }

    /// Begins a layer whose experts read rows `inputRows` of `inputs`.
    void begin(DeviceBuffer inputs, int[] inputRows) {
        this.inputs = inputs;
        this.inputRows = inputRows;
        batch.begin(inputRows, workspace.groups.rows, workspace.n);
    }

    /// Returns what is computed next.
    ExpertBatch batch() {
        return batch;
    }

    @Override
    public void add(ExpertWeights weights, int expert) {
        ExpertGroups groups = workspace.groups;
        if (batch.numRows() + groups.size(expert) > MOST_ROWS) {
            compute();
        }
        batch.add(weights, groups.start(expert), groups.size(expert));
    }

    @Override
    public void compute() {
        kernels.expertFfn(batch, inputs, workspace.expertRows);
        batch.begin(inputRows, workspace.groups.rows, workspace.n);
    }
}
