package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Causal grouped-query attention (Ainslie et al. 2023).
///
/// @param gate [output.cols, hiddenSize]: the heads' results are multiplied by sigmoid(gate·x) before the output
///     projection (Qiu et al. 2025, arXiv:2505.06708), where the family does so; [numHeads, hiddenSize] where all
///     elements of a head have one factor
/// @param sinks `[numHeads]`: logits that take part in each softmax without a key, where the family has them
/// @param sparsity which keys are read, where these are chosen
public record AttentionSpec(
        ProjectionsSpec projections,
        HeadsSpec heads,
        Mask mask,
        Preparation preparation,
        Optional<LinearSpec> gate,
        Optional<VectorSpec> sinks,
        Optional<SparsitySpec> sparsity)
        implements KeyValueSpec {
    /// Which keys a query sees. None is of a later position, but where images are seen whole.
    ///
    /// @param slidingWindow how many keys a query sees, itself included; 0 for all
    /// @param chunk positions are cut into chunks of this length, and a query sees none of an
    ///     earlier chunk; 0 for none
    /// @param wholeImages whether a token of an image sees all tokens of it, those behind it too
    public record Mask(int slidingWindow, int chunk, boolean wholeImages) {
        /// @throws IllegalArgumentException if a number is out of range
        public Mask {
            Range.require("sliding window", slidingWindow, 0, Integer.MAX_VALUE);
            Range.require("chunk of attention", chunk, 0, Integer.MAX_VALUE);
        }
    }

    /// What becomes of queries, keys and values between their projections and their products.
    ///
    /// @param qkNorm their norms, where the family has them
    /// @param valueNorm norm of each head of values, where the family has it
    /// @param valueScale what values are multiplied by, 1 for as they are
    /// @param clip bound on the absolute value of queries, keys and values after projection and norm; 0 for none
    /// @param rope rotation of queries and keys; absent where the layer has no notion of position
    /// @param temperature factors on queries, where the family has them
    public record Preparation(
            Optional<QkNormSpec> qkNorm,
            Optional<NormSpec> valueNorm,
            float valueScale,
            float clip,
            Optional<RopeSpec> rope,
            Optional<TemperatureSpec> temperature) {
        /// @throws IllegalArgumentException if a number is out of range
        public Preparation {
            Range.requireFinite("factor of values", valueScale);
            Range.requireNotNegative("bound on queries, keys and values", clip);
        }
    }

    @Override
    public int numKeyValueHeads() {
        return heads.numKeyValueHeads();
    }

    @Override
    public int headDim() {
        return heads.headDim();
    }

    @Override
    public int valueDim() {
        return heads.valueDim();
    }

    /// Says whether all elements of a head's result are multiplied by the same sigmoid.
    public boolean isGatedByHead() {
        return gate.filter(linear -> linear.rows() == heads.numHeads() && heads.valueDim() > 1)
                .isPresent();
    }

    /// Says whether values are what the projection of keys gives, before anything becomes of keys.
    public boolean sharesKeys() {
        return projections.value().equals(projections.key());
    }

    @Override
    public List<RopeSpec> rotations() {
        return SparsitySpec.rotations(preparation.rope().stream().toList(), sparsity);
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> own = Stream.concat(
                        Stream.of(projections.query(), projections.key(), projections.value(), projections.output()),
                        gate.stream())
                .distinct()
                .toList();
        return SparsitySpec.linears(own, sparsity);
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        preparation.qkNorm().ifPresent(norms -> {
            vectors.addAll(norms.query().vectors());
            vectors.addAll(norms.key().vectors());
        });
        preparation.valueNorm().ifPresent(norm -> vectors.addAll(norm.vectors()));
        sinks.ifPresent(vectors::add);
        return SparsitySpec.vectors(vectors, sparsity);
    }

    /// Queries, or the results of heads that are gated as one; keys, values, the heads' results and what they are gated
    /// with; then those of an indexer, or a query that sees a whole image and its heads' results.
    @Override
    public List<Integer> intermediates() {
        List<Integer> own = List.of(
                Math.max(
                        projections.query().rows(),
                        isGatedByHead() ? projections.output().cols() : 0),
                projections.key().rows(),
                projections.value().rows(),
                projections.output().cols(),
                gate.map(LinearSpec::rows).orElse(0));
        if (mask.wholeImages) {
            int width = projections.query().rows();
            return Stream.concat(own.stream(), Stream.of(width, width)).toList();
        }
        return SparsitySpec.intermediates(own, sparsity);
    }
}
