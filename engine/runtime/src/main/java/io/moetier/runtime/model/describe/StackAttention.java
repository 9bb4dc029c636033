package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.LinearSpec;
import io.moetier.runtime.model.spec.RelativeBiasSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import io.moetier.runtime.model.spec.TensorSlice;
import io.moetier.runtime.model.spec.VectorSpec;
import java.util.List;
import java.util.Optional;

/// Describes the attention of an encoder-decoder model's stack.
///
/// @param query what the projections are called; `key`, `value` and `output` likewise
/// @param biased whether they have a bias
/// @param scaled whether scores are divided by the root of the size of a head
public record StackAttention(
        String query,
        String key,
        String value,
        String output,
        boolean biased,
        int numHeads,
        int headDim,
        boolean scaled) {
    /// Returns attention whose heads share the hidden size equally.
    public static StackAttention ofHeads(
            String query, String key, String value, String output, boolean biased, int numHeads, int hiddenSize) {
        return new StackAttention(query, key, value, output, biased, numHeads, hiddenSize / numHeads, true);
    }

    /// Returns the block called `name`.
    public SequenceAttentionSpec spec(Layer layer, String name, Reach reach, Optional<RelativeBiasSpec> bias) {
        String prefix = layer.name(name) + ".";
        int width = layer.config().times(numHeads, "size of a head", headDim);
        int hiddenSize = layer.config().hiddenSize();
        return new SequenceAttentionSpec(
                reach,
                LinearSpec.named(prefix + query, width, hiddenSize, biased),
                LinearSpec.named(prefix + key, width, hiddenSize, biased),
                LinearSpec.named(prefix + value, width, hiddenSize, biased),
                LinearSpec.named(prefix + output, hiddenSize, width, biased),
                numHeads,
                headDim,
                scaled ? (float) (1 / Math.sqrt(headDim)) : 1,
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
