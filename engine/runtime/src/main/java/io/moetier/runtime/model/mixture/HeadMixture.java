package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.block.Block;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.Mixture;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Weights;
import java.util.Optional;

/// A mixture of attention heads (Zhang et al. 2022): router → queries of the chosen experts → attention over shared
/// keys and values → the experts' output projections → weighted sum. All weights stay in memory, so that no
/// [RoutingListener] is told of the choices; a [MixtureObserver] is shown them.
public final class HeadMixture implements Block {
    private static final int LOGITS = 0; // of the workspace's intermediate results, as the router's outputs
    private static final int QUERY = 1;
    private static final int KEY = 2;
    private static final int VALUE = 3;
    private static final int HEADS = 4;
    private static final int EXPERT_ROWS = 5;

    private final int layer;
    private final int number;
    private final MixtureOfHeadsSpec spec;
    private final Router router;
    private final WeightMatrix[] queries;
    private final WeightMatrix[] outputs;
    private final Linear key;
    private final Linear value;
    private final float[] bias;
    private final AttentionShape shape;
    private final RopeTable rope;
    private ExpertGroups groups = new ExpertGroups(0, 0);
    private int numRows; // that the groups have room for

    /// @param number of the blocks with keys and values
    public HeadMixture(int layer, int number, MixtureOfHeadsSpec spec, Weights loaded, RopeTable rope) {
        this.layer = layer;
        this.number = number;
        this.spec = spec;
        this.rope = rope;
        router = new Router(spec.router(), Optional.empty(), loaded, ExpertSelection.TRAINED);
        queries = spec.queries().stream().map(loaded::matrix).toArray(WeightMatrix[]::new);
        outputs = spec.outputs().stream().map(loaded::matrix).toArray(WeightMatrix[]::new);
        key = Linear.load(spec.key(), loaded);
        value = Linear.load(spec.value(), loaded);
        bias = loaded.vector(spec.bias());
        int numKeyHeads = spec.numKeyValueHeads();
        shape = new AttentionShape(
                        spec.numExpertsPerToken() * numKeyHeads, numKeyHeads, spec.headDim(), spec.scale(), 0)
                .withTiledHeads();
    }

    @Override
    public void forward(Kernels kernels, Workspace workspace, KvCache cache) {
        DeviceBuffer[] results = workspace.intermediates;
        route(kernels, workspace);
        int n = workspace.n;
        multiply(kernels, queries, workspace.normed, groups.tokens, results[QUERY]);
        key.apply(kernels, workspace.normed, n, results[KEY]);
        value.apply(kernels, workspace.normed, n, results[VALUE]);
        attend(kernels, workspace, cache.layer(number));
        multiply(kernels, outputs, results[HEADS], groups.rows, results[EXPERT_ROWS]);
        int hiddenSize = bias.length;
        kernels.weightedSum(
                results[EXPERT_ROWS],
                workspace.headChoices,
                n,
                spec.numExpertsPerToken(),
                hiddenSize,
                workspace.sublayer);
        kernels.addBias(workspace.sublayer, n, hiddenSize, bias);
        MixtureObserver observer = workspace.observer();
        if (observer != null) {
            observer.onMixture(shown(kernels, workspace));
        }
    }

    private Mixture shown(Kernels kernels, Workspace workspace) {
        DeviceBuffer[] results = workspace.intermediates;
        int n = workspace.n;
        Mixture.Parts parts = new Mixture.Parts(
                workspace.rows(results[EXPERT_ROWS], n * spec.numExpertsPerToken(), bias.length),
                false,
                bias,
                null,
                null,
                workspace.rows(workspace.sublayer, n, bias.length));
        Mixture.Gate gate = router.show(
                kernels, workspace, results[LOGITS], n, workspace.headChoices.ids(), workspace.headChoices.weights());
        return new Mixture(layer, true, workspace.firstPosition, n, gate, parts);
    }

    private void route(Kernels kernels, Workspace workspace) {
        ExpertChoices choices = workspace.headChoices;
        if (numRows < choices.ids().length + workspace.batch) {
            numRows = choices.ids().length + workspace.batch;
            groups = new ExpertGroups(queries.length, numRows);
        }
        router.choose(kernels, workspace.normed, workspace.n, workspace.intermediates, choices);
        groups.sort(choices.ids(), choices.weights(), workspace.n, spec.numExpertsPerToken(), queries.length);
    }

    /// Each expert's matrix times the rows of those who chose it; a choice has a row of its own in `out`.
    private void multiply(Kernels kernels, WeightMatrix[] experts, DeviceBuffer x, int[] rows, DeviceBuffer out) {
        for (int i = 0; i < groups.numDistinct(); i++) {
            int expert = groups.distinct[i];
            kernels.matmulRows(experts[expert], x, rows, groups.start(expert), groups.size(expert), out, groups.rows);
        }
    }

    private void attend(Kernels kernels, Workspace workspace, KvLayer layer) {
        DeviceBuffer[] results = workspace.intermediates;
        int n = workspace.n;
        int first = workspace.firstPosition;
        kernels.rope(results[QUERY], n, shape.numHeads(), shape.headDim(), 0, first, rope);
        kernels.rope(results[KEY], n, shape.numKvHeads(), shape.headDim(), 0, first, rope);
        kernels.storeKv(results[KEY], results[VALUE], n, first, layer);
        kernels.attention(results[QUERY], n, first, shape, layer, results[HEADS]);
    }
}
