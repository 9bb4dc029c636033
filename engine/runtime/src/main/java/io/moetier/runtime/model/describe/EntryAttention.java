package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.CompressedShape.Pooling;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.CompressedAttentionSpec.Entries;
import io.moetier.runtime.model.spec.CompressorSpec;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.SparsitySpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes compressed attention with the keys and tensors that DeepSeek-V4 gave it: `wq_a`, `q_norm`, `wq_b`, `wkv`,
/// `kv_norm`, `wo_a`, `wo_b`, `attn_sink`, `compressor.{wkv,wgate,ape,norm}`, `indexer.{wq_b,weights_proj,compressor}`.
///
/// Layers with entries rotate by `compress_rope_theta`, stretched as `rope_scaling` says without a factor on what is
/// rotated; others by `rope_theta` alone. Of transformers 5, `rope_parameters` has both.
public final class EntryAttention {
    private final FamilyConfig config;
    private final String prefix;
    private final int hiddenSize;
    private final int numHeads;
    private final int headDim;
    private final int rank;
    private final int rotated;
    private Optional<Entries> entries = Optional.empty();

    private EntryAttention(Layer layer, String name) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        hiddenSize = config.hiddenSize();
        numHeads = config.numHeads();
        headDim = config.headDim();
        rank = config.positive("q_lora_rank");
        rotated = rotated(headDim, "head_dim");
    }

    private int rotated(int size, String key) {
        int found = config.even("qk_rope_head_dim");
        if (found > size) {
            throw config.json().unexpected(key, "at least the " + found + " that are rotated", size);
        }
        return found;
    }

    /// Starts from a sliding window.
    public static EntryAttention of(Layer layer, String name) {
        return new EntryAttention(layer, name);
    }

    /// Adds entries that stand for `rate` positions, all of which are read (heavily compressed attention).
    public EntryAttention heavilyCompressed(int rate) {
        CompressorSpec compressor = compressor("compressor", new Pooling(headDim, rate, false));
        entries = Optional.of(new Entries(compressor, Optional.empty()));
        return this;
    }

    /// Adds entries that stand for `rate` positions and take those of the entry before, too, of which an indexer
    /// chooses `index_topk` (compressed sparse attention).
    public EntryAttention compressedSparse(int rate) {
        CompressorSpec compressor = compressor("compressor", new Pooling(headDim, rate, true));
        entries = Optional.of(new Entries(compressor, Optional.of(SparsitySpec.by(indexer(rate)))));
        return this;
    }

    private IndexerSpec indexer(int rate) {
        int heads = config.numHeads("index_n_heads");
        int dim = config.positive("index_head_dim");
        int ofIndex = rotated(dim, "index_head_dim");
        String name = prefix + "indexer.";
        return new IndexerSpec(
                linear("indexer.wq_b", config.times(heads, "index_head_dim", dim), rank),
                Optional.empty(),
                compressor("indexer.compressor", new Pooling(dim, rate, true)),
                Optional.of(LinearSpec.named(name + "weights_proj", heads, hiddenSize, false)),
                compressedRope(ofIndex),
                new IndexShape(heads, dim, new KeyBlocks(1, config.positive("index_topk"), 1, rate)));
    }

    private CompressorSpec compressor(String name, Pooling pooling) {
        int width = pooling.width();
        int floats = config.times(pooling.rate(), "compressed elements", width);
        TensorSlice places =
                TensorSlice.rows(prefix + name + ".ape", List.of((long) pooling.rate(), (long) width), 0, 1);
        return new CompressorSpec(
                linear(name + ".wkv", width, hiddenSize),
                linear(name + ".wgate", width, hiddenSize),
                new VectorSpec(prefix + name + ".ape", floats, Optional.of(places)),
                config.rms(prefix + name + ".norm", pooling.dim()),
                compressedRope(rotated).every(pooling.rate()),
                pooling);
    }

    /// Returns the block.
    public CompressedAttentionSpec spec() {
        int width = config.times(numHeads, "head_dim", headDim);
        return new CompressedAttentionSpec(
                new CompressedAttentionSpec.Queries(
                        linear("wq_a", rank, hiddenSize),
                        config.rms(prefix + "q_norm", rank),
                        linear("wq_b", width, rank),
                        NormSpec.rmsWithoutWeight(headDim, config.eps()),
                        VectorSpec.of(prefix + "attn_sink", numHeads)),
                new CompressedAttentionSpec.Rows(
                        linear("wkv", headDim, hiddenSize), config.rms(prefix + "kv_norm", headDim)),
                output(width),
                new HeadsSpec(numHeads, 1, headDim, (float) (1 / Math.sqrt(headDim))),
                config.positive("sliding_window"),
                entries.isPresent() ? compressedRope(rotated) : rope(),
                entries);
    }

    /// Rows of `wo_a` belong to one group of heads after another.
    private CompressedAttentionSpec.Output output(int width) {
        int groups = config.positive("o_groups");
        if (numHeads % groups != 0) {
            throw config.json().unexpected("o_groups", "a divisor of " + numHeads, groups);
        }
        int ofGroup = config.positive("o_lora_rank");
        int rows = config.times(groups, "o_lora_rank", ofGroup);
        int cols = width / groups;
        List<LinearSpec> parts = IntStream.range(0, groups)
                .mapToObj(group -> LinearSpec.of(prefix + "wo_a." + group + ".weight", ofGroup, cols)
                        .at(TensorSlice.rows(
                                prefix + "wo_a.weight",
                                List.of((long) rows, (long) cols),
                                (long) group * ofGroup * cols,
                                cols)))
                .toList();
        return new CompressedAttentionSpec.Output(parts, linear("wo_b", hiddenSize, rows));
    }

    private LinearSpec linear(String name, int rows, int cols) {
        return LinearSpec.named(prefix + name, rows, cols, false);
    }

    private RopeSpec rope() {
        FamilyConfig main = rotations("main");
        return new FamilyConfig(main.family(), main.json().without("rope_scaling")).rope(rotated, true);
    }

    private RopeSpec compressedRope(int size) {
        RopeSpec rope = rotations("compress")
                .renamed(Map.of("rope_theta", "compress_rope_theta"))
                .rope(size, true);
        if (rope.scaling().filter(RopeTable.LongRope.class::isInstance).isPresent()) { // entries would stay as they are
            throw config.json().unexpected("rope_scaling", "none that changes with the length of a text", "longrope");
        }
        return new RopeSpec(size, rope.theta(), true, rope.scaling().map(EntryAttention::withoutMagnitude));
    }

    /// Returns the configuration with the rotations of these layers, which transformers 5 writes apart.
    private FamilyConfig rotations(String layers) {
        String key = "rope_parameters";
        return config.json()
                .optionalObject(key)
                .filter(parameters -> parameters.has(layers))
                .map(_ -> config.renamed(Map.of(key, key + "." + layers)))
                .orElse(config);
    }

    private static RopeTable.Scaling withoutMagnitude(RopeTable.Scaling scaling) {
        return scaling instanceof RopeTable.Yarn yarn
                ? new RopeTable.Yarn(
                        yarn.factor(), yarn.originalPositions(), yarn.betaFast(), yarn.betaSlow(), yarn.truncate(), 1)
                : scaling;
    }
}
