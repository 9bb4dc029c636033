package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.EncoderSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SinusoidSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Describes an encoder-decoder model whose stacks share one embedding: what surrounds its layers.
public final class EncoderDecoder {
    private final FamilyConfig config;
    private final int hiddenSize;
    private final LinearSpec embedding;
    private float embeddingMultiplier = 1;
    private Optional<SinusoidSpec> positions = Optional.empty();
    private float tiedLogitsMultiplier = 1;

    private EncoderDecoder(FamilyConfig config, String embedding) {
        this.config = config;
        hiddenSize = config.hiddenSize();
        this.embedding = LinearSpec.of(embedding + ".weight", config.positive("vocab_size"), hiddenSize);
    }

    /// Starts from an embedding of this name, and a head called `lm_head` unless `tie_word_embeddings`.
    public static EncoderDecoder of(FamilyConfig config, String embedding) {
        return new EncoderDecoder(config, embedding);
    }

    /// Multiplies the embedding by the root of the hidden size.
    public EncoderDecoder scaledEmbedding() {
        embeddingMultiplier = (float) Math.sqrt(hiddenSize);
        return this;
    }

    /// Divides the logits by the root of the hidden size if the head is the embedding (T5).
    public EncoderDecoder scaledTiedHead() {
        tiedLogitsMultiplier = (float) (1 / Math.sqrt(hiddenSize));
        return this;
    }

    /// Adds fixed positions, as fairseq does: the first token is at the position after that of padding.
    public EncoderDecoder sinusoids() {
        positions = Optional.of(new SinusoidSpec(hiddenSize, config.json().requireInt("pad_token_id") + 1));
        return this;
    }

    /// Describes the model with these stacks.
    public ModelSpec stacks(Stack encoder, Stack decoder) {
        boolean tied = config.flag("tie_word_embeddings");
        return new ModelSpec(
                config.family(),
                new ModelSpec.Sizes(hiddenSize, embedding.rows(), config.positive("max_position_embeddings")),
                new ModelSpec.Embedding(embedding, embeddingMultiplier, positions, Optional.empty()),
                Stream.concat(encoder.described(config), decoder.described(config))
                        .toList(),
                decoder.finalNorm(),
                new ModelSpec.Head(
                        tied ? embedding : LinearSpec.of("lm_head.weight", embedding.rows(), hiddenSize),
                        tied ? tiedLogitsMultiplier : 1),
                Optional.of(new EncoderSpec(
                        encoder.numLayers(), encoder.finalNorm(), config.json().requireInt("decoder_start_token_id"))));
    }

    /// One of the two stacks.
    ///
    /// @param prefix what the names of layers start with before their number
    public record Stack(int numLayers, String prefix, Function<Layer, LayerSpec> layer, NormSpec finalNorm) {
        private Stream<LayerSpec> described(FamilyConfig config) {
            return IntStream.range(0, numLayers).mapToObj(i -> layer.apply(new Layer(config, i, prefix + i + ".")));
        }
    }
}
