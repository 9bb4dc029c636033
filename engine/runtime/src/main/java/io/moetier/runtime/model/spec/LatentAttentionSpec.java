package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.LatentShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1). Of a position only a latent and one
/// rotated key are kept. What makes keys and values of a latent is applied to the queries and to the results instead,
/// which gives the same.
///
/// @param queryRank what queries are made of, if they have a latent of their own
/// @param query [numHeads * (nopeDim + ropeDim), queryRank or hiddenSize]
/// @param latent [latentDim, hiddenSize]
/// @param latentFactor on the normalised latent
/// @param rotatedKey [ropeDim, hiddenSize]
/// @param keysTransposed for each head [latentDim, nopeDim]: what makes a key of a latent, transposed
/// @param values for each head [valueDim, latentDim]: what makes a value of a latent
/// @param output [hiddenSize, numHeads * valueDim]
public record LatentAttentionSpec(
        Optional<QueryRank> queryRank,
        LinearSpec query,
        LinearSpec latent,
        NormSpec latentNorm,
        float latentFactor,
        LinearSpec rotatedKey,
        List<LinearSpec> keysTransposed,
        List<LinearSpec> values,
        LinearSpec output,
        LatentShape shape,
        RopeSpec rope)
        implements MixerSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public LatentAttentionSpec {
        Range.requireFinite("factor on latents", latentFactor);
        Range.requireFinite("scale of attention", shape.scale());
        keysTransposed = List.copyOf(keysTransposed);
        values = List.copyOf(values);
    }

    /// A latent of the queries.
    ///
    /// @param down [rank, hiddenSize]
    public record QueryRank(LinearSpec down, NormSpec norm) {}

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>();
        queryRank.map(QueryRank::down).ifPresent(linears::add);
        linears.addAll(List.of(query, latent, rotatedKey));
        linears.addAll(keysTransposed);
        linears.addAll(values);
        linears.add(output);
        return linears;
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(latentNorm.vectors());
        queryRank.ifPresent(rank -> vectors.addAll(rank.norm().vectors()));
        return vectors;
    }

    /// Queries or their latents, latents, rotated keys, queries and results over latents, results, and queries made
    /// of their latents.
    @Override
    public List<Integer> intermediates() {
        return List.of(
                queryRank.map(rank -> rank.down().rows()).orElse(query.rows()),
                latent.rows(),
                rotatedKey.rows(),
                Range.product("latents of all heads", shape.numHeads(), shape.latentDim(), Range.TOKEN),
                output.cols(),
                queryRank.isPresent() ? query.rows() : 0);
    }
}
