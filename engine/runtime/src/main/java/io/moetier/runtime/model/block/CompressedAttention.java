package io.moetier.runtime.model.block;

import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention to the last positions and to compressed entries (DeepSeek-V4), as [CompressedAttentionSpec] says: heavily
/// compressed attention, which reads every entry, compressed sparse attention, whose entries are chosen, and where
/// there are no entries, a sliding window.
public final class CompressedAttention implements Block {
    private static final int QUERY_LATENT = 0; // of the intermediate results
    private static final int ROW = 1;
    private static final int QUERY = 2;
    private static final int HEADS = 3;
    private static final int GROUPS = 4;
    private static final int COMPRESSOR = 5; // and on: those of a compressor
    private static final int INDEX = 8; // and on: those of an indexer

    private final int number;
    private final Projections projections;
    private final Norm queryNorm;
    private final Linear query;
    private final Norm headNorm;
    private final Norm rowNorm;
    private final WeightMatrix[] groups;
    private final Linear output;
    private final CompressedShape shape;
    private final Rotations rotations;
    private final @Nullable Compressor compressor;
    private final @Nullable ChosenKeys chosen;

    /// The rotation of positions, and what undoes it.
    public record Rotations(RopeTable forth, RopeTable back) {}

    /// @param number of the blocks with rows
    /// @param compressor null where there are no entries
    /// @param chosen which entries are read; null for all
    public CompressedAttention(
            int number,
            CompressedAttentionSpec spec,
            Weights weights,
            Rotations rotations,
            @Nullable Compressor compressor,
            @Nullable ChosenKeys chosen) {
        this.number = number;
        this.rotations = rotations;
        this.compressor = compressor;
        this.chosen = chosen;
        CompressedAttentionSpec.Queries queries = spec.queries();
        projections = new Projections(List.of(
                Linear.load(queries.down(), weights), Linear.load(spec.rows().linear(), weights)));
        queryNorm = Norm.load(queries.norm(), weights);
        query = Linear.load(queries.up(), weights);
        headNorm = Norm.load(queries.perHead(), weights);
        rowNorm = Norm.load(spec.rows().norm(), weights);
        groups = spec.output().groups().stream().map(weights::matrix).toArray(WeightMatrix[]::new);
        output = Linear.load(spec.output().linear(), weights);
        HeadsSpec heads = spec.heads();
        shape = CompressedShape.of(
                heads.numHeads(),
                heads.headDim(),
                heads.scale(),
                new AttentionSinks(weights.vector(queries.sinks())),
                spec.window(),
                spec.rate());
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        int first = pass.firstPosition();
        DeviceBuffer[] results = buffers.intermediates();
        projections.apply(kernels, buffers.in(), n, results);
        queryNorm.apply(kernels, results[QUERY_LATENT], n, results[QUERY_LATENT]);
        query.apply(kernels, results[QUERY_LATENT], n, results[QUERY]);
        headNorm.apply(kernels, results[QUERY], n * shape.numHeads(), results[QUERY]);
        rotate(kernels, results[QUERY], n, shape.numHeads(), first, rotations.forth());
        LatentLayer recent = cache.recent(number);
        rowNorm.apply(kernels, results[ROW], n, results[ROW]);
        rotate(kernels, results[ROW], n, 1, first, rotations.forth());
        kernels.storeLatents(results[ROW], results[ROW], n, first, recent);
        LatentLayer entries = entries(kernels, pass, buffers, cache);
        KeyChoice choice =
                chosen == null ? null : chosen.choose(kernels, pass, buffers, results[QUERY_LATENT], INDEX, cache);
        kernels.compressedAttention(results[QUERY], n, first, shape, recent, entries, choice, results[HEADS]);
        rotate(kernels, results[HEADS], n, shape.numHeads(), first, rotations.back());
        int width = shape.numHeads() / groups.length * shape.headDim();
        kernels.matmulPerHead(groups, results[HEADS], n, width, results[GROUPS]);
        output.apply(kernels, results[GROUPS], n, buffers.out());
    }

    private void rotate(Kernels kernels, DeviceBuffer x, int n, int heads, int first, RopeTable table) {
        kernels.rope(x, n, heads, shape.headDim(), shape.headDim() - table.rotaryDim(), first, table);
    }

    /// Returns the entries, with those that are complete now; null where there are none.
    private @Nullable LatentLayer entries(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        if (compressor == null) {
            return null;
        }
        DeviceBuffer[] results = buffers.intermediates();
        int count = compressor.compress(kernels, pass, buffers.in(), results, COMPRESSOR, cache);
        DeviceBuffer made = results[COMPRESSOR + Compressor.ENTRIES];
        LatentLayer entries = cache.entries(number);
        kernels.storeLatents(made, made, count, compressor.firstEntry(pass), entries);
        return entries;
    }
}
