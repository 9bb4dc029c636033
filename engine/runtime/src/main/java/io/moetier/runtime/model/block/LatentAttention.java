package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec.QueryRank;
import io.moetier.runtime.model.spec.TemperatureSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Multi-head latent attention over a compressed cache (DeepSeek-V2, arXiv:2405.04434, section 2.1).
///
/// A head's key is `K·c` of a latent `c`, its value `V·c`. As `q·(K·c) = (Kᵀ·q)·c`, and as the weighted sum of `V·c` is
/// `V` times that of `c`, attention works on the latents themselves, which all heads share.
public final class LatentAttention implements Block {
    private static final int FIRST = 0; // of the intermediate results: queries, or their latents
    private static final int LATENT = 1;
    private static final int ROTATED_KEY = 2;
    private static final int OVER_LATENTS = 3;
    private static final int HEADS = 4;
    private static final int EXPANDED_QUERY = 5;
    private static final int INDEX = 6; // and on: those of an indexer

    private final int number;
    private final Projections projections;
    private final @Nullable Norm queryNorm;
    private final @Nullable Linear query; // of the latent of queries
    private final @Nullable TemperatureSpec temperature;
    private final Norm latentNorm;
    private final float latentFactor;
    private final WeightMatrix[] keysTransposed;
    private final WeightMatrix[] values;
    private final Linear outputProjection;
    private final LatentShape shape;
    private final @Nullable RopeTable rope;
    private final @Nullable ChosenKeys chosen;

    /// @param number of the blocks with latents
    /// @param rope rotations of the spec, shared by all layers that have the same; null for none
    /// @param chosen which positions are read; null for all
    public LatentAttention(
            int number,
            LatentAttentionSpec spec,
            Weights weights,
            @Nullable RopeTable rope,
            @Nullable ChosenKeys chosen) {
        this.number = number;
        this.rope = rope;
        this.chosen = chosen;
        shape = spec.shape();
        boolean ranked = spec.queries().rank().isPresent();
        queryNorm = spec.queries()
                .rank()
                .map(rank -> Norm.load(rank.norm(), weights))
                .orElse(null);
        query = ranked ? Linear.load(spec.queries().linear(), weights) : null;
        temperature = spec.queries().temperature().orElse(null);
        LinearSpec first =
                spec.queries().rank().map(QueryRank::down).orElse(spec.queries().linear());
        projections = new Projections(List.of(
                Linear.load(first, weights),
                Linear.load(spec.latents().linear(), weights),
                Linear.load(spec.latents().rotatedKey(), weights)));
        latentNorm = Norm.load(spec.latents().norm(), weights);
        latentFactor = spec.latents().factor();
        keysTransposed = load(spec.perHead().keysTransposed(), weights);
        values = load(spec.perHead().values(), weights);
        outputProjection = Linear.load(spec.output(), weights);
    }

    private static WeightMatrix[] load(List<LinearSpec> linears, Weights weights) {
        return linears.stream().map(weights::matrix).toArray(WeightMatrix[]::new);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        int firstPosition = pass.firstPosition();
        DeviceBuffer[] results = buffers.intermediates();
        projections.apply(kernels, buffers.in(), n, results);
        DeviceBuffer queries = queries(kernels, results, n);
        if (rope != null) {
            RopeTable table = rope.ofText(pass.textLength());
            kernels.rope(queries, n, shape.numHeads(), shape.queryDim(), shape.nopeDim(), firstPosition, table);
            kernels.rope(results[ROTATED_KEY], n, 1, shape.ropeDim(), 0, firstPosition, table);
        }
        QueryTemperature.apply(temperature, kernels, pass, buffers, queries, shape.numHeads() * shape.queryDim());
        LatentLayer layer = cache.latents(number);
        store(kernels, results, n, firstPosition, layer);
        KeyChoice choice = chosen == null ? null : chosen.choose(kernels, pass, buffers, results[FIRST], INDEX, cache);
        DeviceBuffer overLatents = results[OVER_LATENTS];
        kernels.matmulPerHead(keysTransposed, queries, n, shape.queryDim(), overLatents);
        kernels.latentAttention(overLatents, queries, n, firstPosition, shape, layer, choice, overLatents);
        kernels.matmulPerHead(values, overLatents, n, shape.latentDim(), results[HEADS]);
        outputProjection.apply(kernels, results[HEADS], n, buffers.out());
    }

    private DeviceBuffer queries(Kernels kernels, DeviceBuffer[] results, int n) {
        if (query == null || queryNorm == null) {
            return results[FIRST];
        }
        queryNorm.apply(kernels, results[FIRST], n, results[FIRST]);
        query.apply(kernels, results[FIRST], n, results[EXPANDED_QUERY]);
        return results[EXPANDED_QUERY];
    }

    private void store(Kernels kernels, DeviceBuffer[] results, int n, int firstPosition, LatentLayer layer) {
        latentNorm.apply(kernels, results[LATENT], n, results[LATENT]);
        if (latentFactor != 1) {
            kernels.scale(results[LATENT], n * shape.latentDim(), latentFactor);
        }
        kernels.storeLatents(results[LATENT], results[ROTATED_KEY], n, firstPosition, layer);
    }
}
