package io.moetier.cli.explain;

import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.report.ModalityReport;
import io.moetier.cli.terminal.Plural;
import io.moetier.kernels.device.Routing;
import io.moetier.lab.explain.Explainer;
import io.moetier.lab.explain.TokenMixture;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RouterSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// A prompt, the model that read it, and what was kept of what its mixtures did.
///
/// @param lossy the options that make the model compute something else than it was trained for
/// @param input what an encoder read; nothing where there is none
/// @param tokens what the decoder read
/// @param modalities which experts its tokens of images and of text chose
record ExplainedPrompt(
        Path model,
        ModelSpec spec,
        Optional<String> lossy,
        ExplainedTokens input,
        ExplainedTokens tokens,
        ModalityReport modalities,
        Explainer explainer) {
    /// Returns the numbers of the layers that have a mixture.
    static List<Integer> layers(ModelSpec spec) {
        return IntStream.range(0, spec.layers().size())
                .filter(layer -> {
                    LayerSpec of = spec.layers().get(layer);
                    return of.moe().isPresent()
                            || of.blocks(MixtureOfHeadsSpec.class).findAny().isPresent();
                })
                .boxed()
                .toList();
    }

    /// Returns what the layer reads.
    ExplainedTokens tokens(int layer) {
        return layer < spec.encoderLayers() ? input : tokens;
    }

    /// Returns a sentence on model and prompt.
    String subject() {
        List<Integer> layers = layers(spec);
        String read = input.count() == 0
                ? Plural.of(tokens.count(), "token")
                        + (tokens.imageCount() > 0 ? ", " + tokens.imageCount() + " of images" : "")
                : Plural.of(input.count(), "token") + " of the encoder's input and " + tokens.count()
                        + " of the decoder's output";
        return model + " (" + spec.family() + "): " + Plural.of(layers.size(), "layer") + " with a mixture, "
                + layers.getFirst() + " to " + layers.getLast() + "; " + read + ExpertsUsed.warning(lossy);
    }

    /// Returns the name of a layer, as a reader of the model's paper would have it.
    String layerName(int layer) {
        int encoderLayers = spec.encoderLayers();
        if (encoderLayers == 0) {
            return "layer " + layer;
        }
        return layer < encoderLayers
                ? "layer " + layer + " (the encoder's)"
                : "layer " + layer + " (the decoder's " + (layer - encoderLayers) + ")";
    }

    /// Returns what is mixed, for a heading.
    static String mixed(TokenMixture mixture) {
        return mixture.ofHeads() ? "attention heads" : "experts";
    }

    /// Returns the router of a mixture.
    RouterSpec router(TokenMixture mixture) {
        LayerSpec layer = spec.layers().get(mixture.layer());
        return mixture.ofHeads()
                ? layer.blocks(MixtureOfHeadsSpec.class)
                        .findFirst()
                        .orElseThrow()
                        .router()
                : layer.moe().map(MoeSpec::router).orElseThrow();
    }

    /// Returns how many of the router's choices compute something; identities lie behind them.
    int numExperts(TokenMixture mixture) {
        LayerSpec layer = spec.layers().get(mixture.layer());
        return mixture.ofHeads()
                ? router(mixture).routing().numExperts()
                : layer.moe().map(MoeSpec::numExperts).orElseThrow();
    }

    /// Says whether the router's weights multiply what experts read.
    boolean weighsInputs(TokenMixture mixture) {
        return !mixture.ofHeads()
                && spec.layers().get(mixture.layer()).moe().orElseThrow().weighsInputs();
    }

    /// Says whether the scores of a router are shares of 1.
    static boolean areProbabilities(Routing routing) {
        return routing.score() instanceof Routing.Softmax;
    }

    /// Returns what a router makes of its logits, in a word.
    static String scoreName(Routing routing) {
        return switch (routing.score()) {
            case Routing.Softmax() -> "softmax";
            case Routing.Sigmoid() -> "sigmoid";
            case Routing.SqrtSoftplus() -> "root of softplus";
            case Routing.SparseMixer _ -> "sparsemixer";
        };
    }
}
