package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

/// The attention of encoder-decoder models, with as many heads of keys and values as of queries.
///
/// @param reach what a query sees
/// @param bias on scores, where the family has one
public record SequenceAttentionSpec(
        Reach reach, ProjectionsSpec projections, HeadsSpec heads, Optional<RelativeBiasSpec> bias)
        implements MixerSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public SequenceAttentionSpec {
        Range.product("heads and their elements", heads.numHeads(), heads.headDim(), Range.ROW);
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
        return List.of(projections.query(), projections.key(), projections.value(), projections.output());
    }

    @Override
    public List<VectorSpec> vectors() {
        return bias.map(RelativeBiasSpec::table).stream().toList();
    }

    /// Queries, keys, values and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(
                projections.query().rows(),
                projections.key().rows(),
                projections.value().rows(),
                projections.output().cols());
    }
}
