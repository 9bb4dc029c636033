package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.RelativeBiasSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

/// Describes the attention of an encoder-decoder model's stack.
///
/// @param names what the projections are called
/// @param biased whether they have a bias
/// @param scaled whether scores are divided by the root of the size of a head
public record StackAttention(Names names, boolean biased, int numHeads, int headDim, boolean scaled) {
    /// What the projections of queries, keys, values and the output are called.
    public record Names(String query, String key, String value, String output) {}

    /// Returns attention whose heads share the hidden size equally.
    public static StackAttention ofHeads(Names names, boolean biased, int numHeads, int hiddenSize) {
        return new StackAttention(names, biased, numHeads, hiddenSize / numHeads, true);
    }

    /// Returns the block called `name`.
    public SequenceAttentionSpec spec(Layer layer, String name, Reach reach, Optional<RelativeBiasSpec> bias) {
        String prefix = layer.name(name) + ".";
        int width = layer.config().times(numHeads, "size of a head", headDim);
        int hiddenSize = layer.config().hiddenSize();
        return new SequenceAttentionSpec(
                reach,
                new ProjectionsSpec(
                        LinearSpec.named(prefix + names.query, width, hiddenSize, biased),
                        LinearSpec.named(prefix + names.key, width, hiddenSize, biased),
                        LinearSpec.named(prefix + names.value, width, hiddenSize, biased),
                        LinearSpec.named(prefix + names.output, hiddenSize, width, biased)),
                new HeadsSpec(numHeads, numHeads, headDim, scaled ? (float) (1 / Math.sqrt(headDim)) : 1),
                bias);
    }

    /// Returns the bias by relative position whose table [numBuckets, numHeads] is called `tensor`.
    public Optional<RelativeBiasSpec> bias(String tensor, int numBuckets, int maxDistance, boolean bidirectional) {
        List<Long> shape = List.of((long) numBuckets, (long) numHeads);
        VectorSpec table = new VectorSpec(
                tensor, Math.multiplyExact(numBuckets, numHeads), Optional.of(TensorSlice.rows(tensor, shape, 0, 1)));
        return Optional.of(new RelativeBiasSpec(table, numBuckets, maxDistance, bidirectional));
    }
}
