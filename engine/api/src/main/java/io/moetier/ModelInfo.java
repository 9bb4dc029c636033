package io.moetier;

/// What a model is.
///
/// @param family as its `config.json` calls it (`model_type`), or that of a checkpoint that a GGUF file is read as
/// @param layers of the decoder, and of an encoder if there is one
/// @param experts of all layers together
/// @param expertsPerToken of a layer, at most
/// @param vocabularySize how many token ids there are
/// @param contextLength tokens that a conversation holds, as it was opened
/// @param hasTokenizer whether it reads and writes text, and not token ids alone
public record ModelInfo(
        String family,
        int layers,
        int experts,
        int expertsPerToken,
        int vocabularySize,
        int contextLength,
        boolean hasTokenizer) {}
