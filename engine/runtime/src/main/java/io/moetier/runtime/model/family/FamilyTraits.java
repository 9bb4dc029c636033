package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.Routing;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.LightningSpec;
import io.moetier.runtime.model.spec.Mamba2Spec;
import io.moetier.runtime.model.spec.MambaSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RecurrentSpec;
import io.moetier.runtime.model.spec.ResidualSpec.When;
import io.moetier.runtime.model.spec.RouterSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SharedExpertSpec;
import io.moetier.runtime.model.spec.ShortConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.Mxfp4Slice;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// What a family is made of, in words: read off the description of its example, so that an option that the example
/// leaves off is not named.
///
/// @param modelType `model_type` in `config.json`
/// @param mixers how tokens learn of each other
/// @param norms what is normalised, and whether the ways back into the residual stream have factors
/// @param state what is kept of earlier tokens
/// @param hasEncoder whether an encoder reads the prompt
public record FamilyTraits(
        String modelType,
        List<String> mixers,
        List<String> norms,
        Mixture mixture,
        List<String> state,
        boolean hasEncoder,
        Files files) {
    private static final Map<String, Object> MXFP4 = Map.of("quantization_config", Map.of("quant_method", "mxfp4"));

    public FamilyTraits {
        mixers = List.copyOf(mixers);
        norms = List.copyOf(norms);
        state = List.copyOf(state);
    }

    /// The mixture of experts.
    ///
    /// @param router how experts are chosen
    /// @param experts what an expert computes
    /// @param shared the experts that every token visits
    public record Mixture(String router, String experts, String shared) {}

    /// What its files are like.
    ///
    /// @param storage how checkpoints may store experts, beside float32, float16 and bfloat16
    /// @param gguf `general.architecture` of its GGUF files, where these are read
    public record Files(List<String> storage, Optional<String> gguf) {
        public Files {
            storage = List.copyOf(storage);
        }
    }

    static FamilyTraits of(Family family) {
        ModelSpec spec = family.describe(family.exampleConfig());
        MoeSpec moe = spec.moeLayers().getFirst();
        ModelSpec inMxfp4 = family.describe(family.exampleConfig().withDefaults(MXFP4));
        return new FamilyTraits(
                family.modelType(),
                mixers(spec),
                norms(spec),
                new Mixture(
                        router(spec.moeLayers()),
                        experts(moe),
                        moe.sharedExpert().map(FamilyTraits::shared).orElse("none")),
                state(spec),
                spec.encoder().isPresent(),
                new Files(
                        storage(moe, inMxfp4.moeLayers().getFirst()),
                        family.gguf().map(GgufRule::architecture)));
    }

    private static List<String> mixers(ModelSpec spec) {
        Set<String> names = new LinkedHashSet<>();
        spec.blocks(MixerSpec.class).forEach(mixer -> names.add(mixer(mixer)));
        List<AttentionSpec> attentions = spec.blocks(AttentionSpec.class).toList();
        attentions.forEach(attention -> names.addAll(particulars(attention)));
        List<Boolean> rotated = Stream.concat(
                        attentions.stream()
                                .map(attention -> attention.preparation().rope().isPresent()),
                        spec.blocks(LatentAttentionSpec.class)
                                .map(attention -> attention.rope().isPresent()))
                .toList();
        spec.indexers().map(FamilyTraits::indexer).forEach(names::add);
        addIf(rotated.contains(false), rotated.contains(true) ? "no positions in some layers" : "no positions", names);
        spec.blocks(SequenceAttentionSpec.class)
                .flatMap(attention -> attention.bias().stream())
                .forEach(bias -> names.add("bias by distance"));
        return List.copyOf(names);
    }

    private static String mixer(MixerSpec mixer) {
        return switch (mixer) {
            case AttentionSpec attention -> "grouped-query attention";
            case MixtureOfHeadsSpec heads -> "mixture of attention heads";
            case LatentAttentionSpec latents -> "latent attention";
            case CompressedAttentionSpec compressed -> compressed(compressed);
            case SequenceAttentionSpec attention ->
                attention.reach() == SequenceAttentionSpec.Reach.ACROSS ? "attention to an encoder" : "attention";
            case GatedDeltaSpec delta -> delta.shape().byElement() ? "Kimi Delta Attention" : "gated DeltaNet";
            case LightningSpec lightning -> "lightning attention";
            case MambaSpec mamba -> "Mamba";
            case Mamba2Spec mamba -> "Mamba-2";
            case ShortConvolutionSpec convolution -> "short convolution";
        };
    }

    private static String compressed(CompressedAttentionSpec attention) {
        if (attention.rate() == 0) {
            return "attention to a sliding window";
        }
        return attention.sparsity().isPresent() ? "compressed sparse attention" : "heavily compressed attention";
    }

    private static String indexer(IndexerSpec indexer) {
        return indexer.shape().isWeighted() ? "lightning indexer" : "blocks chosen by an index";
    }

    private static List<String> particulars(AttentionSpec attention) {
        List<String> names = new ArrayList<>();
        addIf(attention.mask().slidingWindow() > 0, "sliding window", names);
        addIf(attention.mask().chunk() > 0, "chunks", names);
        addIf(attention.sinks().isPresent(), "sinks", names);
        addIf(attention.preparation().temperature().isPresent(), "temperature", names);
        addIf(attention.preparation().qkNorm().isPresent(), "norms on queries and keys", names);
        addIf(attention.preparation().valueNorm().isPresent(), "norm on values", names);
        addIf(attention.sharesKeys(), "keys as values", names);
        addIf(attention.valueDim() < attention.headDim(), "values narrower than keys", names);
        addIf(attention.gate().isPresent(), attention.isGatedByHead() ? "gate of each head" : "gate", names);
        addIf(attention.preparation().clip() > 0, "clipped", names);
        return names;
    }

    private static List<String> norms(ModelSpec spec) {
        Set<String> names = new LinkedHashSet<>();
        names.add(
                switch (spec.finalNorm().kind()) {
                    case RMS -> "RMS";
                    case ZERO_CENTRED_RMS -> "RMS around 1";
                    case LAYER -> "layer norm";
                });
        addIf(spec.numStreams() > 1, spec.numStreams() + " residual streams", names);
        spec.layers().stream().flatMap(layer -> layer.sublayers().stream()).forEach(sublayer -> {
            addIf(sublayer.norm().isEmpty(), "behind blocks", names);
            addIf(sublayer.norm().isPresent() && sublayer.postNorm().isPresent(), "on both sides of blocks", names);
            addIf(sublayer.residual().input() != 1 || sublayer.residual().output() != 1, "residual factors", names);
            addIf(sublayer.residual().ofNormed(), "residuals of normed inputs", names);
            addIf(sublayer.residual().when() == When.AT_LAYER_END, "result joins at the end of the layer", names);
            addIf(sublayer.residual().when() == When.WITH_NEXT, "two feed-forward blocks summed", names);
        });
        addIf(spec.layers().stream().anyMatch(layer -> layer.factor().isPresent()), "layer factors", names);
        addIf(spec.head().softCap() > 0, "soft-capped logits", names);
        return List.copyOf(names);
    }

    /// The last layer stands for all that choose by logits.
    private static String router(List<MoeSpec> layers) {
        MoeSpec moe = layers.getLast();
        RouterSpec router = moe.router();
        boolean byToken =
                layers.stream().anyMatch(layer -> layer.router().byToken().isPresent());
        Routing routing = router.routing();
        List<String> names = new ArrayList<>();
        names.add(
                switch (routing.score()) {
                    case Routing.Softmax softmax -> "softmax";
                    case Routing.Sigmoid sigmoid -> "sigmoid";
                    case Routing.SqrtSoftplus root -> "root of softplus";
                    case Routing.SparseMixer mixer -> "sparsemixer";
                });
        addIf(byToken, "by token in the first layers", names);
        addIf(router.correction().isPresent(), "correction", names);
        addIf(routing.groups().count() > 1, "groups", names);
        addIf(routing.normalisation().isPresent(), "renormalised", names);
        addIf(routing.factor() != 1, "scaled", names);
        addIf(moe.weighsInputs(), "weighs inputs", names);
        addIf(moe.numChoices() > moe.numExperts(), "identities", names);
        addIf(router.capacity().isPresent(), "capacity", names);
        addIf(router.norm().isPresent(), "own norm", names);
        addIf(router.factors().isPresent(), "factor of each expert", names);
        return String.join(", ", names);
    }

    private static String experts(MoeSpec moe) {
        DenseSpec expert = moe.experts().getFirst();
        String activation = switch (expert.activation()) {
            case FfnActivation.SwiGlu swiGlu -> "SwiGLU";
            case FfnActivation.ClampedSwiGlu clamped -> "clamped SwiGLU";
            case FfnActivation.LimitedSwiGlu limited -> "limited SwiGLU";
            case FfnActivation.CappedSwiGlu capped -> "capped SwiGLU";
            case FfnActivation.GeGlu geGlu -> "GEGLU";
            case FfnActivation.Relu relu -> "ReLU";
            case FfnActivation.SquaredRelu squared -> "squared ReLU";
        };
        boolean biased =
                expert.linears().stream().anyMatch(linear -> linear.bias().isPresent());
        return activation + (biased ? ", biases" : "") + (moe.latent().isPresent() ? ", in latents" : "");
    }

    private static String shared(SharedExpertSpec shared) {
        return shared.gate().isPresent() ? "gated" : "plain";
    }

    private static List<String> state(ModelSpec spec) {
        Set<String> names = new LinkedHashSet<>();
        spec.blocks(MixerSpec.class)
                .map(mixer -> switch (mixer) {
                    case AttentionSpec attention -> "keys and values";
                    case MixtureOfHeadsSpec heads -> "keys and values";
                    case SequenceAttentionSpec attention -> "keys and values";
                    case LatentAttentionSpec latents -> "latents";
                    case CompressedAttentionSpec compressed -> "rows";
                    case RecurrentSpec recurrent -> "recurrent state";
                })
                .forEach(names::add);
        addIf(spec.blocks(CompressedAttentionSpec.class).anyMatch(block -> block.rate() > 0), "entries", names);
        addIf(spec.chosenKeys().isPresent(), "index keys", names);
        return List.copyOf(names);
    }

    /// Factors of blocks go with matrices that are a tensor each.
    private static List<String> storage(MoeSpec moe, MoeSpec inMxfp4) {
        List<String> names = new ArrayList<>();
        addIf(linears(moe).allMatch(FamilyTraits::isMatrix), "fp8", names);
        addIf(linears(inMxfp4).anyMatch(linear -> linear.slice().orElse(null) instanceof Mxfp4Slice), "MXFP4", names);
        return names;
    }

    private static Stream<LinearSpec> linears(MoeSpec moe) {
        return moe.experts().getFirst().linears().stream();
    }

    /// Names of tensors end so, and a matrix with such a name may be one in spite of its slice.
    private static boolean isMatrix(LinearSpec linear) {
        return linear.weight().endsWith(".weight")
                || linear.slice()
                        .map(slice -> slice instanceof TensorSlice elements
                                && elements.shape().size() == 2)
                        .orElse(true);
    }

    private static void addIf(boolean present, String name, Collection<String> names) {
        if (present) {
            names.add(name);
        }
    }
}
