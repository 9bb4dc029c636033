package io.moetier.engine.model.family;

import io.moetier.engine.model.spec.AttentionSpec;
import io.moetier.engine.model.spec.BlockSpec;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LatentAttentionSpec;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.MixtureOfHeadsSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.model.spec.NormSpec;
import io.moetier.engine.model.spec.RecurrentSpec;
import io.moetier.engine.model.spec.SequenceAttentionSpec;
import io.moetier.engine.model.spec.SharedExpertSpec;
import io.moetier.engine.model.spec.SublayerSpec;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Finds the weights of a model in a GGUF file, where a tensor's name tells its part in the model, whatever the family.
///
/// Each tensor of the file must be a weight of the model: one left over would mean that the file's model computes
/// something that this one does not.
final class GgufWeights {
    private static final String WEIGHT = ".weight";
    private static final String BIAS = ".bias";

    private final GgufParts parts;
    private final boolean interleavedHeads;
    private final Map<String, GgufModel.Weight> weights = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();

    private GgufWeights(GgufParts parts, boolean interleavedHeads) {
        this.parts = parts;
        this.interleavedHeads = interleavedHeads;
    }

    static Map<String, GgufModel.Weight> of(ModelSpec spec, boolean interleavedHeads, GgufParts parts) {
        GgufWeights found = new GgufWeights(parts, interleavedHeads);
        found.add(spec);
        found.requireNoOthers(spec.family());
        return found.weights;
    }

    private void add(ModelSpec spec) {
        add(spec.embedding(), "token_embd");
        for (int layer = 0; layer < spec.layers().size(); layer++) {
            add(spec.layers().get(layer), "blk." + layer + ".");
        }
        add(spec.finalNorm(), "output_norm");
        if (!spec.tiedEmbeddings()) {
            add(spec.head(), "output");
        }
    }

    private void add(LayerSpec layer, String block) {
        for (SublayerSpec sublayer : layer.sublayers()) {
            switch (sublayer.block()) {
                case AttentionSpec attention -> {
                    addNorm(sublayer.norm(), block + "attn_norm");
                    add(attention, block);
                }
                case MixtureOfHeadsSpec heads -> throw unnamed(heads);
                case LatentAttentionSpec latents -> throw unnamed(latents);
                case RecurrentSpec recurrent -> throw unnamed(recurrent);
                case SequenceAttentionSpec attention -> throw unnamed(attention);
                case DenseSpec dense -> {
                    addNorm(sublayer.norm(), block + "ffn_norm");
                    add(dense, block, "");
                }
                case MoeSpec moe -> {
                    addNorm(sublayer.norm(), block + "ffn_norm");
                    add(moe, block);
                }
            }
        }
    }

    private static IllegalArgumentException unnamed(BlockSpec block) {
        return new IllegalArgumentException(
                "no GGUF names of " + block.linears().getFirst().weight());
    }

    private void addNorm(Optional<NormSpec> norm, String name) {
        norm.ifPresent(present -> add(present, name));
    }

    private void add(AttentionSpec attention, String block) {
        int headRows = interleavedHeads ? attention.headDim() : 0;
        add(attention.query(), block + "attn_q", headRows);
        add(attention.key(), block + "attn_k", headRows);
        add(attention.value(), block + "attn_v");
        add(attention.output(), block + "attn_output");
        attention.qkNorm().ifPresent(norms -> {
            add(norms.query(), block + "attn_q_norm");
            add(norms.key(), block + "attn_k_norm");
        });
    }

    private void add(MoeSpec moe, String block) {
        add(moe.router().linear(), block + "ffn_gate_inp");
        addExperts(
                moe.experts().stream().flatMap(expert -> expert.gate().stream()).toList(), block + "ffn_gate");
        addExperts(moe.experts().stream().map(DenseSpec::up).toList(), block + "ffn_up");
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
        LinearSpec first = experts.getFirst();
        if (parts.tensors().containsKey(name + ".0" + WEIGHT)) {
            for (int e = 0; e < experts.size(); e++) {
                add(experts.get(e), name + "." + e);
            }
            return;
        }
        RawTensor stack = require(name + "_exps" + WEIGHT, experts.size(), first.rows(), first.cols());
        long bytes = stack.byteLength() / experts.size();
        for (int e = 0; e < experts.size(); e++) {
            RawTensor expert = new RawTensor(
                    stack.name() + "[" + e + "]",
                    stack.dtype(),
                    List.of((long) first.rows(), (long) first.cols()),
                    stack.file(),
                    stack.offset() + e * bytes,
                    bytes);
            weights.put(experts.get(e).weight(), new GgufModel.Weight(expert, 0));
        }
    }

    private void add(LinearSpec linear, String name) {
        add(linear, name, 0);
    }

    private void add(LinearSpec linear, String name, int headRows) {
        RawTensor found = linear.rows() == 1 && isVector(name + WEIGHT)
                ? asRow(require(name + WEIGHT, linear.cols()))
                : require(name + WEIGHT, linear.rows(), linear.cols());
        weights.put(linear.weight(), new GgufModel.Weight(found, headRows));
        if (linear.bias().isPresent()) {
            RawTensor bias = require(name + BIAS, linear.rows());
            if (headRows != 0) {
                throw MalformedModelException.of(
                        bias.file(), "tensor " + bias.name(), "no bias, whose order would have to change", "one");
            }
            weights.put(linear.bias().get().name(), new GgufModel.Weight(bias, 0));
        }
    }

    private void add(NormSpec norm, String name) {
        norm.weight()
                .ifPresent(weight ->
                        weights.put(weight.name(), new GgufModel.Weight(require(name + WEIGHT, weight.size()), 0)));
    }

    private boolean isVector(String name) {
        @Nullable RawTensor tensor = parts.tensors().get(name);
        return tensor != null && tensor.shape().size() == 1;
    }

    private static RawTensor asRow(RawTensor vector) {
        return new RawTensor(
                vector.name(),
                vector.dtype(),
                List.of(1L, vector.shape().getFirst()),
                vector.file(),
                vector.offset(),
                vector.byteLength());
    }

    private RawTensor require(String name, long... shape) {
        RawTensor tensor = parts.require(name, shape);
        used.add(name);
        return tensor;
    }

    private void requireNoOthers(String family) {
        for (RawTensor tensor : parts.tensors().values()) {
            if (tensor.name().startsWith("rope_")) {
                throw MalformedModelException.of(
                        tensor.file(),
                        "tensor " + tensor.name(),
                        "none, since factors on the frequencies of positions are not supported",
                        tensor.shape().getFirst() + " factors");
            }
            if (!used.contains(tensor.name())) {
                throw MalformedModelException.of(
                        tensor.file(), "tensor " + tensor.name(), "only tensors that " + family + " has", "this one");
            }
        }
    }
}
