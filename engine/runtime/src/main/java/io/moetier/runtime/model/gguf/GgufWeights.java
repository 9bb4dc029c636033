package io.moetier.runtime.model.gguf;

import io.moetier.runtime.model.describe.GatedDeltaNet;
import io.moetier.runtime.model.gguf.GgufModel.Change;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.BlockSpec;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.CompressorSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.HyperConnectionSpec;
import io.moetier.runtime.model.spec.IndexKeysSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.LightningSpec;
import io.moetier.runtime.model.spec.Mamba2Spec;
import io.moetier.runtime.model.spec.MambaSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SharedExpertSpec;
import io.moetier.runtime.model.spec.ShortConvolutionSpec;
import io.moetier.runtime.model.spec.SparsitySpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.format.GgmlType;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds the weights of a model in a GGUF file, where a tensor's name tells its part in the model, whatever the family.
///
/// Each tensor of the file must be a weight of the model: one left over would mean that the file's model computes
/// something that this one does not.
final class GgufWeights {
    private static final String WEIGHT = ".weight";
    private static final String BIAS = ".bias";
    private static final String OUTPUT_NORM = "output_norm";

    private static final List<String> ENCODERS = List.of("v.", "a.", "mm.", "model.vision_tower.");

    private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,6})\\..*");

    private final Tensors parts;
    private final GgufRule rule;
    private final Map<String, GgufModel.Weight> weights = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();

    /// The tensors that names are looked up among.
    private interface Tensors {
        boolean has(String name);

        RawTensor require(String name, long... shape);

        /// Returns one of whole numbers.
        RawTensor requireIntegers(String name, long... shape);

        /// Adds the names that begin so.
        void markAll(String prefix, Set<String> names);
    }

    private GgufWeights(Tensors parts, GgufRule rule) {
        this.parts = parts;
        this.rule = rule;
    }

    /// Finds the weights of `spec`, which a file with this configuration describes.
    static GgufModel model(JsonObject config, ModelSpec spec, GgufRule rule, GgufParts parts) {
        GgufWeights found = new GgufWeights(of(parts), rule);
        found.add(spec);
        found.used.addAll(new GgufRope(rule, parts).tensors());
        found.requireNoOthers(spec, parts);
        return new GgufModel(
                config,
                spec,
                found.weights,
                count(parts, name -> isOfGuessingLayer(name, spec.layers().size())),
                count(parts, GgufWeights::isOfEncoder));
    }

    private static int count(GgufParts parts, Predicate<String> tensor) {
        return (int) parts.tensors().keySet().stream().filter(tensor).count();
    }

    /// Returns what each weight of `spec` is called: [GgufModel#names].
    static Map<String, String> names(ModelSpec spec, GgufRule rule, Predicate<String> has) {
        GgufWeights found = new GgufWeights(named(has), rule);
        found.add(spec);
        Map<String, String> names = new LinkedHashMap<>();
        found.weights.forEach((name, weight) -> names.put(name, weight.tensor().name()));
        return names;
    }

    private static Tensors of(GgufParts parts) {
        return new Tensors() {
            @Override
            public boolean has(String name) {
                return parts.tensors().containsKey(name);
            }

            @Override
            public RawTensor require(String name, long... shape) {
                return parts.require(name, shape);
            }

            @Override
            public RawTensor requireIntegers(String name, long... shape) {
                return parts.requireIntegers(name, shape);
            }

            @Override
            public void markAll(String prefix, Set<String> names) {
                parts.tensors().keySet().stream()
                        .filter(name -> name.startsWith(prefix))
                        .forEach(names::add);
            }
        };
    }

    /// Names without tensors.
    private static Tensors named(Predicate<String> has) {
        return new Tensors() {
            @Override
            public boolean has(String name) {
                return has.test(name);
            }

            @Override
            public RawTensor require(String name, long... shape) {
                List<Long> dimensions = Arrays.stream(shape).boxed().toList();
                return new RawTensor(name, DType.F32.name(), dimensions, Path.of(name), 0, 0);
            }

            @Override
            public RawTensor requireIntegers(String name, long... shape) {
                return require(name, shape);
            }

            @Override
            public void markAll(String prefix, Set<String> names) {
                // nothing is left over
            }
        };
    }

    private void add(ModelSpec spec) {
        add(spec.embedding().table(), "token_embd");
        for (int layer = 0; layer < spec.layers().size(); layer++) {
            add(spec.layers().get(layer), "blk." + layer + ".");
        }
        spec.head().streams().ifPresent(streams -> add(streams, "output_hc_"));
        add(spec.finalNorm(), part("", rule.name(OUTPUT_NORM), OUTPUT_NORM));
        if (!spec.tiedEmbeddings()) {
            add(spec.head().linear(), "output");
        } else {
            spec.head().linear().bias().ifPresent(bias -> add(bias, "output" + BIAS));
        }
    }

    /// Returns what a part is called in this file, which may be one that Ollama made.
    private String part(String block, String name, String ofOllama) {
        return block + (parts.has(block + ofOllama + WEIGHT) ? ofOllama : name);
    }

    /// Returns what a tensor is called in this file, which may be one that Ollama made.
    private String tensor(String block, String name, String ofOllama) {
        return block + (parts.has(block + ofOllama) ? ofOllama : name);
    }

    private void add(LayerSpec layer, String block) {
        for (SublayerSpec sublayer : layer.sublayers()) {
            addNorms(sublayer, block);
            boolean mixes = sublayer.block() instanceof MixerSpec;
            sublayer.connection().ifPresent(streams -> add(streams, block + (mixes ? "hc_attn_" : "hc_ffn_")));
            switch (sublayer.block()) {
                case AttentionSpec attention -> add(attention, block);
                case LatentAttentionSpec latents -> add(latents, block);
                case MixtureOfHeadsSpec heads -> throw unnamed(heads);
                case ShortConvolutionSpec convolution -> add(convolution, block);
                case MambaSpec mamba -> add(mamba, block);
                case Mamba2Spec mamba -> add(mamba, block);
                case GatedDeltaSpec delta -> add(delta, block);
                case LightningSpec lightning -> throw unnamed(lightning);
                case SequenceAttentionSpec attention -> throw unnamed(attention);
                case CompressedAttentionSpec attention -> add(attention, block);
                case DenseSpec dense -> add(dense, block, "");
                case MoeSpec moe -> add(moe, block);
            }
        }
        layer.factor().ifPresent(factor -> add(factor, block + "layer_output_scale" + WEIGHT));
    }

    private void addNorms(SublayerSpec sublayer, String block) {
        boolean mixes = sublayer.block() instanceof MixerSpec;
        boolean second = sublayer.sumNorm().isPresent();
        String number = second ? "_2" : sublayer.residual().when() == ResidualSpec.When.WITH_NEXT ? "_1" : "";
        String ffnNorm = part(block, rule.name("ffn_norm"), "ffn_norm");
        addNorm(sublayer.norm(), mixes ? block + "attn_norm" : second ? block + "pre_ffw_norm" + number : ffnNorm);
        addNorm(sublayer.postNorm(), block + (mixes ? "post_attention_norm" : "post_ffw_norm" + number));
        addNorm(sublayer.sumNorm(), block + "post_ffw_norm");
    }

    private void add(HyperConnectionSpec streams, String name) {
        add(streams.mix(), name + "fn");
        add(streams.scale(), name + "scale" + WEIGHT);
        add(streams.base(), name + "base" + WEIGHT);
    }

    private static IllegalArgumentException unnamed(BlockSpec block) {
        return new IllegalArgumentException(
                "no GGUF names of " + block.linears().getFirst().weight());
    }

    private void addNorm(Optional<NormSpec> norm, String name) {
        norm.ifPresent(present -> add(present, name));
    }

    private void add(AttentionSpec attention, String block) {
        ProjectionsSpec projections = attention.projections();
        int headRows = rule.interleavedHeads() ? attention.headDim() : 0;
        if (projections.query().slice().isPresent() && attention.gate().isPresent()) {
            addGated(projections, attention.gate().get(), block);
        } else if (parts.has(block + "attn_qkv" + WEIGHT)) {
            addRows(projections.inputs(), block + "attn_qkv", headRows);
        } else {
            add(projections.query(), block + "attn_q", headRows);
            add(projections.key(), block + "attn_k", headRows);
            if (!attention.sharesKeys()) {
                add(projections.value(), block + "attn_v");
            }
        }
        add(projections.output(), part(block, "attn_output", "attn_out"));
        attention.preparation().qkNorm().ifPresent(norms -> {
            add(norms.query(), block + "attn_q_norm");
            add(norms.key(), block + "attn_k_norm");
        });
        attention.gate().filter(gate -> gate.slice().isEmpty()).ifPresent(gate -> add(gate, block + "attn_gate"));
        attention.sinks().ifPresent(sinks -> add(sinks, tensor(block, "attn_sinks" + WEIGHT, "attn_sinks")));
        attention.sparsity().ifPresent(sparsity -> add(sparsity, block));
    }

    /// Queries and gates of a head follow each other.
    private void addGated(ProjectionsSpec projections, LinearSpec gate, String block) {
        String together = block + "attn_qkv" + WEIGHT;
        if (!parts.has(together)) {
            addParts(List.of(projections.query(), gate), block + "attn_q" + WEIGHT);
            add(projections.key(), block + "attn_k");
            add(projections.value(), block + "attn_v");
            return;
        }
        int cols = gate.cols();
        int queries = projections.query().rows() + gate.rows();
        int keys = projections.key().rows();
        int rows = queries + keys + projections.value().rows();
        RawTensor whole = require(together, rows, cols);
        for (LinearSpec linear : List.of(projections.query(), gate)) {
            if (linear.slice().orElse(null) instanceof TensorSlice slice) {
                weights.put(
                        linear.weight(),
                        new GgufModel.Weight(whole, 0, Optional.of(slice.within(rows, cols)), Change.NONE));
            }
        }
        addRow(projections.key(), whole, rows, queries);
        addRow(projections.value(), whole, rows, queries + keys);
    }

    private void add(SparsitySpec sparsity, String block) {
        String name = block + "indexer.";
        if (sparsity.indexer().isEmpty()) {
            parts.markAll(name, used);
            return;
        }
        IndexerSpec indexer = sparsity.indexer().get();
        boolean together = indexer.weights().isPresent();
        add(indexer.query(), name + (together ? "attn_q_b" : "q_proj"));
        indexer.queryNorm().ifPresent(norm -> add(norm, name + "q_norm"));
        switch (indexer.keys()) {
            case IndexKeysSpec.OfPositions keys -> {
                add(keys.linear(), name + (together ? "attn_k" : "k_proj"));
                add(keys.norm(), name + "k_norm");
            }
            case CompressorSpec compressor -> add(compressor, block + "indexer_compressor_");
        }
        indexer.weights().ifPresent(heads -> add(heads, name + "proj"));
    }

    private void add(CompressedAttentionSpec attention, String block) {
        add(attention.queries().down(), block + "attn_q_a");
        add(attention.queries().norm(), block + "attn_q_a_norm");
        add(attention.queries().up(), block + "attn_q_b");
        add(attention.queries().sinks(), block + "attn_sinks" + WEIGHT);
        add(attention.rows().linear(), block + "attn_kv");
        add(attention.rows().norm(), block + "attn_kv_a_norm");
        addGroups(attention.output().groups(), block + "attn_output_a" + WEIGHT);
        add(attention.output().linear(), block + "attn_output_b");
        attention.entries().ifPresent(entries -> add(entries.compressor(), block + "attn_compressor_"));
        attention.sparsity().ifPresent(sparsity -> add(sparsity, block));
    }

    private void add(CompressorSpec compressor, String name) {
        add(compressor.value(), name + "kv");
        add(compressor.gate(), name + "gate");
        addElements(
                compressor.places(),
                name + "ape" + WEIGHT,
                Change.NONE,
                compressor.pooling().rate(),
                compressor.pooling().width());
        add(compressor.norm(), name + "norm");
    }

    private void add(LatentAttentionSpec attention, String block) {
        attention.queries().rank().ifPresent(rank -> {
            add(rank.down(), block + "attn_q_a");
            add(rank.norm(), block + "attn_q_a_norm");
        });
        add(attention.queries().linear(), block + (attention.queries().rank().isPresent() ? "attn_q_b" : "attn_q"));
        addRows(List.of(attention.latents().linear(), attention.latents().rotatedKey()), block + "attn_kv_a_mqa");
        add(attention.latents().norm(), block + "attn_kv_a_norm");
        String together = block + "attn_kv_b" + WEIGHT; // in files of before April 2025
        if (parts.has(together)) {
            addParts(attention.perHead().keysTransposed(), together);
            addParts(attention.perHead().values(), together);
        } else {
            addStack(attention.perHead().keysTransposed(), block + "attn_k_b" + WEIGHT);
            addStack(attention.perHead().values(), block + "attn_v_b" + WEIGHT);
        }
        add(attention.output(), block + "attn_output");
        attention.sparsity().ifPresent(sparsity -> add(sparsity, block));
    }

    private void add(ShortConvolutionSpec mixer, String block) {
        addRows(List.of(mixer.before(), mixer.after(), mixer.input()), block + "shortconv.in_proj");
        add(List.of(mixer.convolution()), block + "shortconv.conv");
        add(mixer.output(), block + "shortconv.out_proj");
    }

    private void add(MambaSpec mamba, String block) {
        addRows(List.of(mamba.input(), mamba.gate()), block + "ssm_in");
        add(List.of(mamba.convolution()), block + "ssm_conv1d");
        addRows(
                List.of(
                        mamba.selections().rank().linear(),
                        mamba.selections().b().linear(),
                        mamba.selections().c().linear()),
                block + "ssm_x");
        add(mamba.selections().rank().norm(), block + "ssm_dt_norm");
        add(mamba.selections().b().norm(), block + "ssm_b_norm");
        add(mamba.selections().c().norm(), block + "ssm_c_norm");
        add(mamba.decay().step(), block + "ssm_dt");
        addElements(
                mamba.decay().logRates(),
                block + "ssm_a",
                Change.NEGATED_EXPONENTIAL,
                mamba.input().rows(),
                mamba.stateSize());
        add(mamba.skip(), block + "ssm_d");
        add(mamba.output(), block + "ssm_out");
    }

    private void add(Mamba2Spec mamba, String block) {
        ProjectionsSpec projections = mamba.projections();
        addRows(
                List.of(
                        mamba.gate(),
                        projections.value(),
                        projections.key(),
                        projections.query(),
                        mamba.decay().step()),
                block + "ssm_in");
        add(mamba.convolutions(), block + "ssm_conv1d");
        mamba.decay().step().bias().ifPresent(bias -> add(bias, block + "ssm_dt" + BIAS));
        addElements(mamba.decay().logRates(), block + "ssm_a", Change.NEGATED_EXPONENTIAL, mamba.numHeads(), 1);
        addElements(mamba.skip(), block + "ssm_d", Change.NONE, mamba.numHeads(), 1);
        mamba.norm()
                .weight()
                .ifPresent(factors -> addElements(
                        factors,
                        block + "ssm_norm" + WEIGHT,
                        Change.NONE,
                        mamba.numGroups(),
                        factors.size() / mamba.numGroups()));
        add(projections.output(), block + "ssm_out");
    }

    private void add(GatedDeltaSpec delta, String block) {
        if (delta.shape().byElement()) {
            addApart(delta, block);
        } else {
            addMixed(delta, block);
        }
        delta.decay().step().bias().ifPresent(bias -> add(bias, tensor(block, "ssm_dt" + BIAS, "ssm_dt")));
        add(delta.norm(), block + "ssm_norm");
    }

    /// Each part by itself, as llama.cpp has them of Kimi Linear.
    private void addApart(GatedDeltaSpec delta, String block) {
        List<String> parts = List.of("q", "k", "v");
        for (int i = 0; i < parts.size(); i++) {
            add(delta.projections().inputs().get(i), block + "attn_" + parts.get(i));
            ConvolutionSpec convolution = delta.convolutions().get(i);
            addElements(
                    convolution.taps(),
                    block + "ssm_conv1d_" + parts.get(i) + WEIGHT,
                    Change.NONE,
                    convolution.channels(),
                    1,
                    convolution.width());
        }
        delta.gate().rank().ifPresent(rank -> add(rank, block + "ssm_g_a"));
        add(delta.gate().linear(), block + "ssm_g_b");
        delta.decay().rank().ifPresent(rank -> add(rank, block + "ssm_f_a"));
        addMatrix(delta.decay().step(), block + "ssm_f_b", 0);
        add(delta.strength(), block + "ssm_beta");
        addElements(
                delta.decay().logRates(),
                block + "ssm_a",
                Change.NEGATED_EXPONENTIAL,
                delta.shape().numValueHeads(),
                1);
        add(delta.projections().output(), block + "attn_output");
    }

    private void addMixed(GatedDeltaSpec delta, String block) {
        List<LinearSpec> mixed = delta.projections().inputs();
        String together = block + "ssm_in" + WEIGHT; // in files of 2025, by heads as in a checkpoint
        if (parts.has(together)) {
            addParts(mixed, together);
            addParts(List.of(delta.gate().linear()), together);
        } else {
            addRows(mixed, block + "attn_qkv");
            add(delta.gate().linear(), block + "attn_gate");
        }
        if (delta.strength().slice().isPresent()) {
            addParts(List.of(delta.strength(), delta.decay().step()), block + "ssm_ba" + WEIGHT);
        } else {
            add(delta.strength(), block + "ssm_beta");
            addMatrix(delta.decay().step(), block + "ssm_alpha", 0);
        }
        add(delta.convolutions(), block + "ssm_conv1d");
        addElements(
                delta.decay().logRates(),
                block + "ssm_a",
                Change.NEGATED_EXPONENTIAL,
                delta.shape().numValueHeads());
        addOutput(delta, block + "ssm_out");
    }

    private void addOutput(GatedDeltaSpec delta, String name) {
        LinearSpec output = delta.projections().output();
        boolean reordered = rule.says(GatedDeltaNet.IN_TURNS)
                && !delta.shape().inTurns()
                && delta.shape().neighbours() > 1;
        if (reordered) { // of a checkpoint: only the name is asked for
            RawTensor other = require(name + WEIGHT, output.rows(), output.cols());
            weights.put(
                    output.weight(),
                    weight(part(other, GgufModel.OTHER_COLUMNS, 1, 0, 1, output.rows(), output.cols())));
        } else {
            add(output, name);
        }
    }

    /// Convolutions whose channels follow each other in one tensor.
    private void add(List<ConvolutionSpec> convolutions, String name) {
        int channels = convolutions.stream().mapToInt(ConvolutionSpec::channels).sum();
        for (ConvolutionSpec convolution : convolutions) {
            addElements(convolution.taps(), name + WEIGHT, Change.NONE, channels, convolution.width());
            convolution.bias().ifPresent(bias -> addElements(bias, name + BIAS, Change.NONE, channels));
        }
    }

    /// Elements of a tensor of this shape, as the vector's slice says: all if it has none.
    private void addElements(VectorSpec vector, String name, Change change, long... shape) {
        TensorSlice elements = vector.slice()
                .orElseGet(() ->
                        TensorSlice.rows(name, Arrays.stream(shape).boxed().toList(), 0, 1));
        weights.put(vector.name(), new GgufModel.Weight(require(name, shape), 0, Optional.of(elements), change));
    }

    private void add(MoeSpec moe, String block) {
        add(moe.router().linear(), block + "ffn_gate_inp");
        String usual = "exp_probs_b" + BIAS;
        moe.router().correction().ifPresent(correction -> add(correction, tensor(block, rule.name(usual), usual)));
        moe.router().norm().flatMap(NormSpec::weight).ifPresent(scale -> add(scale, block + "ffn_gate_inp.scale"));
        moe.router().byToken().ifPresent(table -> addTable(table, block + "ffn_gate_tid2eid" + WEIGHT));
        moe.router()
                .factors()
                .ifPresent(
                        factors -> add(factors, tensor(block, "ffn_down_exps.scale", "ffn_gate_inp.per_expert_scale")));
        List<LinearSpec> gates =
                moe.experts().stream().flatMap(expert -> expert.gate().stream()).toList();
        List<LinearSpec> ups = moe.experts().stream().map(DenseSpec::up).toList();
        if (!gates.isEmpty() && parts.has(block + "ffn_gate_up_exps" + WEIGHT)) {
            addPairs(gates, ups, block + "ffn_gate_up_exps");
        } else {
            addExperts(gates, block + "ffn_gate");
            addExperts(ups, block + "ffn_up");
        }
        moe.latent().ifPresent(latent -> {
            add(latent.down(), part(block, "ffn_latent_down", "ffn_latent_in"));
            add(latent.up(), part(block, "ffn_latent_up", "ffn_latent_out"));
        });
        addExperts(moe.experts().stream().map(DenseSpec::down).toList(), block + "ffn_down");
        moe.sharedExpert().ifPresent(shared -> add(shared, block));
    }

    private void add(SharedExpertSpec shared, String block) {
        add(shared.ffn(), block, "_shexp");
        shared.gate().ifPresent(gate -> add(gate, block + "ffn_gate_inp_shexp"));
    }

    private void add(DenseSpec ffn, String block, String suffix) {
        ffn.gate().ifPresent(gate -> add(gate, block + "ffn_gate" + suffix));
        add(ffn.up(), block + "ffn_up" + suffix);
        add(ffn.down(), block + "ffn_down" + suffix);
    }

    /// One matrix of every expert: a stack of them or, in files of before April 2024, tensors of their own.
    private void addExperts(List<LinearSpec> experts, String name) {
        if (experts.isEmpty()) {
            return;
        }
        LinearSpec first = experts.getFirst();
        if (parts.has(name + ".0" + WEIGHT)) {
            for (int e = 0; e < experts.size(); e++) {
                add(experts.get(e), name + "." + e);
            }
            return;
        }
        addStack(experts, name + "_exps" + WEIGHT);
        if (first.bias().isPresent()) {
            RawTensor biases = require(name + "_exps" + BIAS, experts.size(), first.rows());
            for (int e = 0; e < experts.size(); e++) {
                VectorSpec bias = experts.get(e).bias().orElseThrow();
                weights.put(bias.name(), weight(part(biases, "[" + e + "]", experts.size(), e, 1, bias.size())));
            }
        }
    }

    /// Two matrices of every expert: one above the other, or row by row where the tensor is as in a checkpoint.
    private void addPairs(List<LinearSpec> firsts, List<LinearSpec> seconds, String name) {
        int experts = firsts.size();
        int rows = firsts.getFirst().rows();
        RawTensor stack =
                require(name + WEIGHT, experts, 2L * rows, firsts.getFirst().cols());
        boolean biased = firsts.getFirst().bias().isPresent();
        Optional<RawTensor> biases = biased ? Optional.of(require(name + BIAS, experts, 2L * rows)) : Optional.empty();
        if (stack.dtype().equals(GgmlType.MXFP4_IN_PAIRS.name())) {
            addInTurns(firsts, stack, biases, 0);
            addInTurns(seconds, stack, biases, 1);
            return;
        }
        for (int half = 0; half < 2; half++) {
            String label = "[" + half * rows + ".." + (half + 1) * rows + "]";
            for (int e = 0; e < experts; e++) {
                LinearSpec linear = (half == 0 ? firsts : seconds).get(e);
                String own = "[" + e + "]" + label;
                int number = 2 * e + half;
                weights.put(linear.weight(), weight(part(stack, own, 2 * experts, number, 1, rows, linear.cols())));
                biases.ifPresent(all -> weights.put(
                        linear.bias().orElseThrow().name(), weight(part(all, own, 2 * experts, number, 1, rows))));
            }
        }
    }

    /// One of two matrices of every expert whose rows take turns.
    ///
    /// @param first of each expert's rows
    private void addInTurns(List<LinearSpec> linears, RawTensor stack, Optional<RawTensor> biases, int first) {
        int experts = linears.size();
        for (int e = 0; e < experts; e++) {
            LinearSpec linear = linears.get(e);
            int rows = 2 * linear.rows();
            int cols = linear.cols();
            RawTensor both = part(stack, "[" + e + "]", experts, e, 1, rows, cols);
            TensorSlice own = new TensorSlice(
                    both.name(), both.shape(), (long) first * cols, cols, 1, 1, 2L * cols); // a group for each row
            weights.put(linear.weight(), new GgufModel.Weight(both, 0, Optional.of(own), Change.NONE));
            if (biases.isPresent()) {
                RawTensor ofBoth = part(biases.get(), "[" + e + "]", experts, e, 1, rows);
                TensorSlice elements =
                        new TensorSlice(ofBoth.name(), ofBoth.shape(), first, 2, 1, Integer.MAX_VALUE, 0);
                weights.put(
                        linear.bias().orElseThrow().name(),
                        new GgufModel.Weight(ofBoth, 0, Optional.of(elements), Change.NONE));
            }
        }
    }

    /// Matrices of one shape, one behind the other in a tensor.
    private void addStack(List<LinearSpec> linears, String name) {
        LinearSpec first = linears.getFirst();
        addStack(linears, require(name, linears.size(), first.rows(), first.cols()));
    }

    /// Matrices of one shape, which llama.cpp takes for a stack although the tensor has two dimensions.
    private void addGroups(List<LinearSpec> linears, String name) {
        LinearSpec first = linears.getFirst();
        addStack(linears, require(name, (long) linears.size() * first.rows(), first.cols()));
    }

    private void addStack(List<LinearSpec> linears, RawTensor stack) {
        for (int i = 0; i < linears.size(); i++) {
            LinearSpec linear = linears.get(i);
            weights.put(
                    linear.weight(),
                    weight(part(stack, "[" + i + "]", linears.size(), i, 1, linear.rows(), linear.cols())));
        }
    }

    /// Matrices whose rows follow each other in a matrix, and their biases likewise.
    private void addRows(List<LinearSpec> linears, String name) {
        addRows(linears, name, 0);
    }

    /// @param headRows of all but the last, 0 where rows are as in a checkpoint
    private void addRows(List<LinearSpec> linears, String name, int headRows) {
        int rows = linears.stream().mapToInt(LinearSpec::rows).sum();
        RawTensor whole = require(name + WEIGHT, rows, linears.getFirst().cols());
        Optional<RawTensor> bias = linears.getFirst().bias().map(present -> require(name + BIAS, rows));
        bias.filter(present -> headRows != 0).ifPresent(GgufWeights::refuseReordered);
        int at = 0;
        for (LinearSpec linear : linears) {
            boolean last = at + linear.rows() == rows;
            addRow(linear, whole, rows, at, last ? 0 : headRows);
            if (bias.isPresent()) {
                weights.put(
                        linear.bias().orElseThrow().name(),
                        weight(part(bias.get(), label(linear, at), rows, at, linear.rows(), linear.rows())));
            }
            at += linear.rows();
        }
    }

    private void addRow(LinearSpec linear, RawTensor whole, int rows, int at) {
        addRow(linear, whole, rows, at, 0);
    }

    private void addRow(LinearSpec linear, RawTensor whole, int rows, int at, int headRows) {
        RawTensor own = part(whole, label(linear, at), rows, at, linear.rows(), linear.rows(), linear.cols());
        weights.put(linear.weight(), new GgufModel.Weight(own, headRows));
    }

    private static String label(LinearSpec linear, int at) {
        return "[" + at + ".." + (at + linear.rows()) + "]";
    }

    private static void refuseReordered(RawTensor bias) {
        throw MalformedModelException.of(
                bias.file(), "tensor " + bias.name(), "no bias, whose order would have to change", "one");
    }

    /// Matrices that lie in a tensor as they do in a checkpoint.
    private void addParts(List<LinearSpec> linears, String name) {
        for (LinearSpec linear : linears) {
            if (linear.slice().orElse(null) instanceof TensorSlice slice) {
                RawTensor tensor = require(
                        name, slice.shape().stream().mapToLong(Long::longValue).toArray());
                weights.put(linear.weight(), new GgufModel.Weight(tensor, 0, Optional.of(slice), Change.NONE));
            }
        }
    }

    /// Returns `count` of `total` equal parts of a tensor, from number `first` on.
    static RawTensor part(RawTensor whole, String label, int total, long first, int count, long... shape) {
        long bytes = whole.byteLength() / total;
        return new RawTensor(
                whole.name() + label,
                whole.dtype(),
                Arrays.stream(shape).boxed().toList(),
                whole.file(),
                whole.offset() + first * bytes,
                count * bytes);
    }

    private static GgufModel.Weight weight(RawTensor tensor) {
        return new GgufModel.Weight(tensor, 0);
    }

    private void add(LinearSpec linear, String name) {
        add(linear, name, 0);
    }

    private void add(LinearSpec linear, String name, int headRows) {
        addMatrix(linear, name, headRows);
        if (linear.bias().isPresent()) {
            RawTensor bias = require(name + BIAS, linear.rows());
            if (headRows != 0) {
                refuseReordered(bias);
            }
            weights.put(linear.bias().get().name(), new GgufModel.Weight(bias, 0));
        }
    }

    private void addMatrix(LinearSpec linear, String name, int headRows) {
        weights.put(
                linear.weight(), new GgufModel.Weight(require(name + WEIGHT, linear.rows(), linear.cols()), headRows));
    }

    private void add(NormSpec norm, String name) {
        Change change = norm.kind() == NormSpec.Kind.ZERO_CENTRED_RMS ? Change.ONE_MORE : Change.NONE;
        norm.weight()
                .ifPresent(factors -> weights.put(
                        factors.name(),
                        new GgufModel.Weight(require(name + WEIGHT, factors.size()), 0, Optional.empty(), change)));
        norm.bias().ifPresent(bias -> add(bias, name + BIAS));
    }

    private void add(VectorSpec vector, String name) {
        weights.put(vector.name(), weight(require(name, vector.size())));
    }

    private void addTable(VectorSpec table, String name) {
        List<Long> shape = table.slice().map(TensorSlice::shape).orElse(List.of((long) table.size()));
        weights.put(
                table.name(),
                weight(parts.requireIntegers(
                        name, shape.stream().mapToLong(Long::longValue).toArray())));
        used.add(name);
    }

    private RawTensor require(String name, long... shape) {
        RawTensor tensor = parts.require(name, shape);
        used.add(name);
        return tensor;
    }

    private void requireNoOthers(ModelSpec spec, GgufParts parts) {
        for (RawTensor tensor : parts.tensors().values()) {
            if (isOfGuessingLayer(tensor.name(), spec.layers().size()) || isOfEncoder(tensor.name())) {
                continue;
            }
            if (!used.contains(tensor.name())) {
                throw MalformedModelException.of(
                        tensor.file(),
                        "tensor " + tensor.name(),
                        "only tensors that " + spec.family() + " has",
                        "this one");
            }
        }
    }

    /// Says whether a tensor belongs to a layer behind the model's own, which guesses more than the next token; files
    /// that Ollama made call some `mtp`.
    private static boolean isOfGuessingLayer(String tensor, int numLayers) {
        Matcher block = BLOCK.matcher(tensor);
        return tensor.startsWith("mtp.") || (block.matches() && Integer.parseInt(block.group(1)) >= numLayers);
    }

    /// Says whether a tensor belongs to an encoder of images or sound, which files that Ollama made have beside the
    /// language model.
    private static boolean isOfEncoder(String tensor) {
        return ENCODERS.stream().anyMatch(tensor::startsWith);
    }
}
