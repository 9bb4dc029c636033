package io.moetier.runtime.model.spec;

import java.util.List;
import java.util.Optional;

/// The attention of encoder-decoder models, with as many heads of keys and values as of queries.
///
/// @param reach what a query sees
/// @param scale factor on query·key
/// @param bias on scores, where the family has one
public record SequenceAttentionSpec(
        Reach reach,
        LinearSpec query,
        LinearSpec key,
        LinearSpec value,
        LinearSpec output,
        int numHeads,
        int headDim,
        float scale,
        Optional<RelativeBiasSpec> bias)
        implements MixerSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public SequenceAttentionSpec {
        Range.product("heads and their elements", numHeads, headDim, Range.ROW);
        Range.requireFinite("scale of attention", scale);
    }

    /// What a query sees.
    public enum Reach {
        /// All positions of the encoder's input.
        INPUT,
        /// The positions of the decoder's output up to its own.
        OUTPUT,
        /// What the encoder gave, from the decoder's side.
        ACROSS
    }

    @Override
    public List<LinearSpec> linears() {
        return List.of(query, key, value, output);
    }

    @Override
    public List<VectorSpec> vectors() {
        return bias.map(RelativeBiasSpec::table).stream().toList();
    }

    /// Queries, keys, values and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(query.rows(), key.rows(), value.rows(), output.cols());
    }
}
