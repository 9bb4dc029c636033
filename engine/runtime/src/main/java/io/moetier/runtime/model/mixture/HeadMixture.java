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
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.Mixture;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Weights;
import java.util.Optional;

/// A mixture of attention heads (Zhang et al. 2022): router → queries of the chosen experts → attention over shared
/// keys and values → the experts' output projections → weighted sum. All weights stay in memory, so that no
/// [io.moetier.runtime.model.pass.RoutingListener] is told of the choices; a [MixtureObserver] is shown them.
public final class HeadMixture implements Block {
    private static final int LOGITS = 0; // of the intermediate results, as the router's outputs
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
        queries = spec.experts().queries().stream().map(loaded::matrix).toArray(WeightMatrix[]::new);
        outputs = spec.experts().outputs().stream().map(loaded::matrix).toArray(WeightMatrix[]::new);
        key = Linear.load(spec.key(), loaded);
        value = Linear.load(spec.value(), loaded);
        bias = loaded.vector(spec.experts().bias());
        int numKeyHeads = spec.numKeyValueHeads();
        shape = new AttentionShape(
                        spec.numExpertsPerToken() * numKeyHeads,
                        numKeyHeads,
                        spec.headDim(),
                        spec.heads().scale(),
                        0)
                .withTiledHeads();
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        DeviceBuffer[] results = buffers.intermediates();
        route(kernels, pass, buffers);
        int n = pass.n();
        multiply(kernels, queries, buffers.in(), groups.tokens, results[QUERY]);
        key.apply(kernels, buffers.in(), n, results[KEY]);
        value.apply(kernels, buffers.in(), n, results[VALUE]);
        attend(kernels, pass, results, cache.layer(number));
        multiply(kernels, outputs, results[HEADS], groups.rows, results[EXPERT_ROWS]);
        int hiddenSize = bias.length;
        kernels.weightedSum(
                results[EXPERT_ROWS],
                buffers.mixture().headChoices(),
                n,
                spec.numExpertsPerToken(),
                hiddenSize,
                buffers.out());
        kernels.addBias(buffers.out(), n, hiddenSize, bias);
        MixtureObserver observer = pass.observer();
        if (observer != null) {
            observer.onMixture(shown(kernels, pass, buffers));
        }
    }

    private Mixture shown(Kernels kernels, Pass pass, BlockBuffers buffers) {
        DeviceBuffer[] results = buffers.intermediates();
        int n = pass.n();
        Mixture.Parts parts = new Mixture.Parts(
                buffers.rows(results[EXPERT_ROWS], n * spec.numExpertsPerToken(), bias.length),
                false,
                bias,
                null,
                null,
                buffers.rows(buffers.out(), n, bias.length));
        Mixture.Gate gate = router.show(
                kernels,
                buffers,
                buffers.in(),
                results[LOGITS],
                n,
                buffers.mixture().headChoices());
        return new Mixture(layer, true, pass.firstPosition(), n, gate, parts);
    }

    private void route(Kernels kernels, Pass pass, BlockBuffers buffers) {
        ExpertChoices choices = buffers.mixture().headChoices();
        if (numRows < choices.ids().length + buffers.everyRow().length) {
            numRows = choices.ids().length + buffers.everyRow().length;
            groups = new ExpertGroups(queries.length, numRows);
        }
        router.choose(kernels, pass, buffers.in(), buffers.intermediates(), choices);
        groups.sort(choices.ids(), choices.weights(), pass.n(), spec.numExpertsPerToken(), queries.length);
    }

    /// Each expert's matrix times the rows of those who chose it; a choice has a row of its own in `out`.
    private void multiply(Kernels kernels, WeightMatrix[] experts, DeviceBuffer x, int[] rows, DeviceBuffer out) {
        for (int i = 0; i < groups.numDistinct(); i++) {
            int expert = groups.distinct[i];
            kernels.matmulRows(experts[expert], x, rows, groups.start(expert), groups.size(expert), out, groups.rows);
        }
    }

    private void attend(Kernels kernels, Pass pass, DeviceBuffer[] results, KvLayer layer) {
        int n = pass.n();
        int first = pass.firstPosition();
        RopeTable table = rope.ofText(pass.textLength());
        kernels.rope(results[QUERY], n, shape.numHeads(), shape.headDim(), 0, first, table);
        kernels.rope(results[KEY], n, shape.numKvHeads(), shape.headDim(), 0, first, table);
        kernels.storeKv(results[KEY], results[VALUE], n, first, layer);
        kernels.attention(results[QUERY], n, first, shape, layer, results[HEADS]);
    }
}
