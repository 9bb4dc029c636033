package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.stream.Stream;

/// Multi-token prediction (Gloeckle et al. 2024, arXiv:2404.19737; DeepSeek-AI 2024, arXiv:2412.19437): what the model
/// gives for a token, and the token behind it, go through one more layer to the logits of the one behind both.
///
/// That layer is the model's last, and tokens pass through it for this alone. It has the model's embedding and head.
///
/// @param embeddingNorm of the embedding of the token behind
/// @param hiddenNorm of the result of the model's last norm
/// @param ofEmbedding [hiddenSize, hiddenSize], whose result is added to that of `ofHidden`
/// @param finalNorm after the layer
public record MtpSpec(
        NormSpec embeddingNorm, NormSpec hiddenNorm, LinearSpec ofEmbedding, LinearSpec ofHidden, NormSpec finalNorm) {
    List<LinearSpec> linears() {
        return List.of(ofEmbedding, ofHidden);
    }

    Stream<VectorSpec> vectors() {
        return Stream.of(embeddingNorm, hiddenNorm, finalNorm).flatMap(norm -> norm.vectors().stream());
    }
}
