package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.LatentShape;
import io.moetier.runtime.model.spec.IndexKeysSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec.Latents;
import io.moetier.runtime.model.spec.LatentAttentionSpec.PerHead;
import io.moetier.runtime.model.spec.LatentAttentionSpec.Queries;
import io.moetier.runtime.model.spec.LatentAttentionSpec.QueryRank;
import io.moetier.runtime.model.spec.SparsitySpec;
import io.moetier.runtime.model.spec.TemperatureSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/// Describes multi-head latent attention with the keys and tensors that DeepSeek-V2 gave it: `q_lora_rank`,
/// `kv_lora_rank`, `qk_nope_head_dim`, `qk_rope_head_dim`, `v_head_dim`; `q_proj` or `q_a_proj` and `q_b_proj`,
/// `kv_a_proj_with_mqa`, `kv_b_proj`, `o_proj`.
///
/// Queries grow with their position where `llama_4_scaling_beta` beside the parameters of YaRN says so, as of Mistral.
/// Such models were trained without YaRN's magnitude (`apply_scale` of their own `params.json` is false), though
/// `config.json` and GGUF files have the `mscale_all_dim` of DeepSeek: their scores are without it.
///
/// The two parts of `kv_a_proj_with_mqa`, and the two parts that `kv_b_proj` has for each head, become matrices
/// of their own.
public final class MultiHeadLatentAttention {
    /// Of the norms of latents, whatever the other norms have.
    private static final float EPS = 1e-6f;

    private final FamilyConfig config;
    private final String prefix;
    private final int hiddenSize;
    private final int numHeads;
    private final Optional<Integer> queryRank;
    private final int latentDim;
    private final int nopeDim;
    private final int ropeDim;
    private final int valueDim;
    private final boolean biased;
    private boolean rotated = true;
    private boolean interleaved = true;
    private boolean scaledByRank;
    private Optional<SparsitySpec> sparsity = Optional.empty();

    private MultiHeadLatentAttention(Layer layer, String name) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        hiddenSize = config.hiddenSize();
        numHeads = config.numHeads();
        queryRank = config.positiveUnlessNull("q_lora_rank");
        latentDim = config.positive("kv_lora_rank");
        nopeDim = config.positive("qk_nope_head_dim");
        ropeDim = config.positive("qk_rope_head_dim");
        valueDim = config.positive("v_head_dim");
        biased = config.flag("attention_bias");
    }

    /// Starts from the parts called `name.…`, neighbours being paired for the rotation. With YaRN, scores are
    /// multiplied by the square of the magnitude that `mscale_all_dim` says, unless queries grow.
    public static MultiHeadLatentAttention of(Layer layer, String name) {
        return new MultiHeadLatentAttention(layer, name);
    }

    /// Says whether neighbours are paired for the rotation, instead of halves.
    public MultiHeadLatentAttention interleaved(boolean value) {
        interleaved = value;
        return this;
    }

    /// Leaves out positions: what is rotated elsewhere stays as it is, beside the latents.
    public MultiHeadLatentAttention unrotated() {
        rotated = false;
        return this;
    }

    /// Has queries read the `index_topk` positions that an indexer chooses (DeepSeek-V3.2's lightning indexer): that of
    /// the parts called `indexer.…`, of `index_n_heads` heads of `index_head_dim` elements, the first of which are
    /// rotated, neighbours being paired where `indexer_rope_interleave` says so. Its scores are positive multiples
    /// of the paper's, which choose nothing else.
    ///
    /// @param own whether the layer has an indexer; else its choice is that of the layer before
    public MultiHeadLatentAttention indexed(boolean own) {
        KeyBlocks chosen = new KeyBlocks(1, config.positive("index_topk"), 1);
        sparsity = Optional.of(new SparsitySpec(chosen, own ? Optional.of(indexer(chosen)) : Optional.empty()));
        return this;
    }

    private IndexerSpec indexer(KeyBlocks chosen) {
        int heads = config.numHeads("index_n_heads");
        int dim = config.positive("index_head_dim");
        if (dim < ropeDim) {
            throw config.json().unexpected("index_head_dim", "at least the " + ropeDim + " that are rotated", dim);
        }
        String name = prefix + "indexer.";
        int inputs = config.positive("q_lora_rank");
        return new IndexerSpec(
                LinearSpec.named(name + "wq_b", config.times(heads, "index_head_dim", dim), inputs, false),
                Optional.empty(),
                new IndexKeysSpec.OfPositions(
                        LinearSpec.named(name + "wk", dim, hiddenSize, false),
                        NormSpec.layer(name + "k_norm", dim, EPS, true)),
                Optional.of(LinearSpec.named(name + "weights_proj", heads, hiddenSize, false)),
                config.rope(rotatedDim(), config.flag("indexer_rope_interleave")),
                new IndexShape(heads, dim, chosen));
    }

    /// Multiplies queries and latents by the root of how much smaller their rank is than the residual stream (LongCat,
    /// arXiv:2509.01322).
    public MultiHeadLatentAttention scaledByRank() {
        scaledByRank = true;
        return this;
    }

    /// Returns the block.
    public LatentAttentionSpec spec() {
        return new LatentAttentionSpec(
                new Queries(
                        queryRank.map(rank -> new QueryRank(
                                LinearSpec.named(prefix + "q_a_proj", rank, hiddenSize, biased),
                                NormSpec.rms(prefix + "q_a_layernorm", rank, EPS))),
                        query(),
                        temperature()),
                new Latents(
                        down("latent", 0, latentDim),
                        NormSpec.rms(prefix + "kv_a_layernorm", latentDim, EPS),
                        scaledByRank ? rootOfShare(latentDim) : 1,
                        down("rotated", latentDim, ropeDim)),
                new PerHead(ofHeads(this::keysTransposed), ofHeads(this::values)),
                LinearSpec.named(prefix + "o_proj", hiddenSize, config.times(numHeads, "v_head_dim", valueDim), biased),
                new LatentShape(numHeads, nopeDim, ropeDim, latentDim, scale()),
                rotated ? Optional.of(config.rope(rotatedDim(), interleaved)) : Optional.empty(),
                sparsity);
    }

    private int rotatedDim() {
        return config.even("qk_rope_head_dim");
    }

    private Optional<TemperatureSpec> temperature() {
        return rotated ? RopeReader.temperature(config.json()) : Optional.empty();
    }

    private float scale() {
        double factor = scaledByRank ? queryRank.map(this::rootOfShare).orElse(1f) : 1;
        double magnitude = rotated && temperature().isEmpty() ? RopeReader.magnitudeOfAllDimensions(config.json()) : 1;
        return (float) (factor * magnitude * magnitude / Math.sqrt(nopeDim + ropeDim));
    }

    private float rootOfShare(int rank) {
        return (float) Math.sqrt((double) hiddenSize / rank);
    }

    private LinearSpec query() {
        return LinearSpec.named(
                prefix + (queryRank.isPresent() ? "q_b_proj" : "q_proj"),
                config.times(numHeads, "qk_nope_head_dim + qk_rope_head_dim", nopeDim + ropeDim),
                queryRank.orElse(hiddenSize),
                false);
    }

    /// Rows of `kv_a_proj_with_mqa`.
    private LinearSpec down(String part, int firstRow, int rows) {
        String name = prefix + "kv_a_proj_with_mqa";
        long allRows = (long) latentDim + ropeDim;
        LinearSpec linear = LinearSpec.of(name + "." + part + ".weight", rows, hiddenSize)
                .at(TensorSlice.rows(
                        name + ".weight",
                        List.of(allRows, (long) hiddenSize),
                        (long) firstRow * hiddenSize,
                        hiddenSize));
        TensorSlice bias = TensorSlice.rows(name + ".bias", List.of(allRows), firstRow, 1);
        return biased ? linear.withBias(new VectorSpec(name + "." + part + ".bias", rows, Optional.of(bias))) : linear;
    }

    private List<LinearSpec> ofHeads(IntFunction<LinearSpec> ofHead) {
        return IntStream.range(0, numHeads).mapToObj(ofHead).toList();
    }

    private LinearSpec keysTransposed(int head) {
        return LinearSpec.of(up() + "." + head + ".keys_transposed.weight", latentDim, nopeDim)
                .at(TensorSlice.transposed(up() + ".weight", upShape(), firstOf(head), latentDim));
    }

    private LinearSpec values(int head) {
        return LinearSpec.of(up() + "." + head + ".values.weight", valueDim, latentDim)
                .at(TensorSlice.rows(
                        up() + ".weight", upShape(), firstOf(head) + (long) nopeDim * latentDim, latentDim));
    }

    private String up() {
        return prefix + "kv_b_proj";
    }

    private List<Long> upShape() {
        return List.of((long) numHeads * (nopeDim + valueDim), (long) latentDim);
    }

    /// Where the rows of a head begin: those that make its key, then those that make its value.
    private long firstOf(int head) {
        return (long) head * (nopeDim + valueDim) * latentDim;
    }
}
