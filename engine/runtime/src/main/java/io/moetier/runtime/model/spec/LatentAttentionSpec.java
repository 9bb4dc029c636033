package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.LatentShape;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1). Of a position only a latent and one
/// rotated key are kept. What makes keys and values of a latent is applied to the queries and to the results instead,
/// which gives the same.
///
/// @param output [hiddenSize, numHeads * valueDim]
/// @param rope how what of a key is beside its latent is rotated, if it is
/// @param sparsity which positions are read, where these are chosen (DeepSeek-V3.2)
public record LatentAttentionSpec(
        Queries queries,
        Latents latents,
        PerHead perHead,
        LinearSpec output,
        LatentShape shape,
        Optional<RopeSpec> rope,
        Optional<SparsitySpec> sparsity)
        implements MixerSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public LatentAttentionSpec {
        Range.requireFinite("factor on latents", latents.factor());
        Range.requireFinite("scale of attention", shape.scale());
    }

    /// What makes queries.
    ///
    /// @param rank what they are made of, if they have a latent of their own
    /// @param linear [numHeads * (nopeDim + ropeDim), rank or hiddenSize]
    /// @param temperature by which they grow with their position, if they do
    public record Queries(Optional<QueryRank> rank, LinearSpec linear, Optional<TemperatureSpec> temperature) {}

    /// A latent of the queries.
    ///
    /// @param down [rank, hiddenSize]
    public record QueryRank(LinearSpec down, NormSpec norm) {}

    /// What makes the latents of keys and values, and what of a key is beside them.
    ///
    /// @param linear [latentDim, hiddenSize]
    /// @param factor on the normalised latent
    /// @param rotatedKey [ropeDim, hiddenSize]
    public record Latents(LinearSpec linear, NormSpec norm, float factor, LinearSpec rotatedKey) {}

    /// What makes keys and values of a latent, for each head.
    ///
    /// @param keysTransposed [latentDim, nopeDim]: what makes a key, transposed
    /// @param values [valueDim, latentDim]
    public record PerHead(List<LinearSpec> keysTransposed, List<LinearSpec> values) {
        public PerHead {
            keysTransposed = List.copyOf(keysTransposed);
            values = List.copyOf(values);
        }
    }

    @Override
    public List<RopeSpec> rotations() {
        return SparsitySpec.rotations(rope.stream().toList(), sparsity);
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>();
        queries.rank().map(QueryRank::down).ifPresent(linears::add);
        linears.addAll(List.of(queries.linear(), latents.linear(), latents.rotatedKey()));
        linears.addAll(perHead.keysTransposed());
        linears.addAll(perHead.values());
        linears.add(output);
        return SparsitySpec.linears(linears, sparsity);
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(latents.norm().vectors());
        queries.rank().ifPresent(rank -> vectors.addAll(rank.norm().vectors()));
        return SparsitySpec.vectors(vectors, sparsity);
    }

    /// Queries or their latents, latents, rotated keys, queries and results over latents, results, and queries made
    /// of their latents; then those of an indexer.
    @Override
    public List<Integer> intermediates() {
        List<Integer> own = List.of(
                queries.rank()
                        .map(rank -> rank.down().rows())
                        .orElse(queries.linear().rows()),
                latents.linear().rows(),
                latents.rotatedKey().rows(),
                Range.product("latents of all heads", shape.numHeads(), shape.latentDim(), Range.TOKEN),
                output.cols(),
                queries.rank().isPresent() ? queries.linear().rows() : 0);
        return SparsitySpec.intermediates(own, sparsity);
    }
}
