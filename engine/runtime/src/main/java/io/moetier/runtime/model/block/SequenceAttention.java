package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.SequenceShape;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.memory.SequenceMemory;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.RelativeBiasSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention of encoder-decoder models (Vaswani et al. 2017), with relative biases where T5 has them.
public final class SequenceAttention implements Block {
    private static final int QUERY = 0; // of the intermediate results
    private static final int KEY = 1;
    private static final int VALUE = 2;
    private static final int HEADS = 3;

    private final int number;
    private final Reach reach;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Projections queryKeyValue;
    private final Linear output;
    private final SequenceShape shape;
    private final @Nullable DeviceBuffer bias;

    /// @param number of the blocks of sequence attention
    public SequenceAttention(int number, SequenceAttentionSpec spec, Weights weights, Device device) {
        this.number = number;
        HeadsSpec heads = spec.heads();
        reach = spec.reach();
        query = Linear.load(spec.projections().query(), weights);
        key = Linear.load(spec.projections().key(), weights);
        value = Linear.load(spec.projections().value(), weights);
        queryKeyValue = new Projections(List.of(query, key, value));
        output = Linear.load(spec.projections().output(), weights);
        int biasReach = spec.bias().map(RelativeBiasSpec::maxDistance).orElse(0);
        shape = new SequenceShape(heads.numHeads(), heads.headDim(), heads.scale(), reach == Reach.OUTPUT, biasReach);
        bias = spec.bias()
                .map(table -> byDistance(table, weights.vector(table.table()), heads.numHeads(), device))
                .orElse(null);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        int first = pass.firstPosition();
        DeviceBuffer[] results = buffers.intermediates();
        SequenceMemory memory = cache.sequences();
        switch (reach) {
            case INPUT -> {
                queryKeyValue.apply(kernels, buffers.in(), n, results);
                attend(kernels, pass, results, results[KEY], results[VALUE], n);
            }
            case OUTPUT -> {
                queryKeyValue.apply(kernels, buffers.in(), n, results);
                kernels.appendRows(results[KEY], n, key.weight().rows(), memory.keys(number), first);
                kernels.appendRows(results[VALUE], n, value.weight().rows(), memory.values(number), first);
                attend(kernels, pass, results, memory.keys(number), memory.values(number), first + n);
            }
            case ACROSS -> {
                query.apply(kernels, buffers.in(), n, results[QUERY]);
                attend(kernels, pass, results, memory.keys(number), memory.values(number), memory.inputLength());
            }
        }
        output.apply(kernels, results[HEADS], n, buffers.out());
    }

    /// Keeps the keys and values of the `n` rows that the encoder gave, if this block looks at them.
    public void remember(Kernels kernels, DeviceBuffer encoded, int n, SequenceMemory memory) {
        if (reach == Reach.ACROSS) {
            key.apply(kernels, encoded, n, memory.keys(number));
            value.apply(kernels, encoded, n, memory.values(number));
        }
    }

    private void attend(
            Kernels kernels, Pass pass, DeviceBuffer[] results, DeviceBuffer keys, DeviceBuffer values, int numKeys) {
        kernels.sequenceAttention(
                results[QUERY], pass.n(), pass.firstPosition(), keys, values, numKeys, shape, bias, results[HEADS]);
    }

    /// Returns the bias of each distance, [numHeads, 2 * maxDistance + 1].
    private static DeviceBuffer byDistance(RelativeBiasSpec spec, float[] table, int numHeads, Device device) {
        int reach = spec.maxDistance();
        int width = 2 * reach + 1;
        float[] biases = new float[numHeads * width];
        for (int head = 0; head < numHeads; head++) {
            for (int i = 0; i < width; i++) {
                biases[head * width + i] = table[spec.bucket(i - reach) * numHeads + head];
            }
        }
        DeviceBuffer buffer = device.allocate(biases.length);
        device.upload(biases, 0, biases.length, buffer, 0);
        return buffer;
    }
}
