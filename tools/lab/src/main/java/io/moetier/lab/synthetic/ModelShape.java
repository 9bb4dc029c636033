package io.moetier.lab.synthetic;

/// The sizes of a model of the OLMoE family.
///
/// @param hidden width of the residual stream, a multiple of 256, the longest block of any type
/// @param expertHidden width inside an expert, a multiple of 256
public record ModelShape(
        int layers, int hidden, int heads, int experts, int expertsPerToken, int expertHidden, int vocabulary) {
    /// Of OLMoE-1B-7B (Muennighoff et al. 2024).
    static final ModelShape OLMOE = new ModelShape(16, 2048, 16, 64, 8, 1024, 50304);

    /// Of any type of weights, in elements.
    static final int LONGEST_BLOCK = 256;

    /// @throws IllegalArgumentException if a size cannot be
    public ModelShape {
        require(layers >= 1, "layers", layers);
        require(hidden >= LONGEST_BLOCK && hidden % LONGEST_BLOCK == 0, "hidden", hidden);
        require(expertHidden >= LONGEST_BLOCK && expertHidden % LONGEST_BLOCK == 0, "expertHidden", expertHidden);
        require(heads >= 1 && hidden % heads == 0, "heads", heads);
        require(expertsPerToken >= 1 && expertsPerToken <= experts, "expertsPerToken", expertsPerToken);
        require(vocabulary >= SmallVocabulary.LEAST_SIZE, "vocabulary", vocabulary);
    }

    ModelShape withLayers(int count) {
        return new ModelShape(count, hidden, heads, experts, expertsPerToken, expertHidden, vocabulary);
    }

    ModelShape withExperts(int count) {
        return new ModelShape(layers, hidden, heads, count, Math.min(expertsPerToken, count), expertHidden, vocabulary);
    }

    ModelShape withExpertsPerToken(int count) {
        return new ModelShape(layers, hidden, heads, experts, count, expertHidden, vocabulary);
    }

    /// Returns one of this width, with heads of the same size.
    ModelShape withHidden(int width) {
        return new ModelShape(
                layers, width, width * heads / hidden, experts, expertsPerToken, expertHidden, vocabulary);
    }

    ModelShape withExpertHidden(int width) {
        return new ModelShape(layers, hidden, heads, experts, expertsPerToken, width, vocabulary);
    }

    ModelShape withVocabulary(int size) {
        return new ModelShape(layers, hidden, heads, experts, expertsPerToken, expertHidden, size);
    }

    private static void require(boolean holds, String name, int value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " cannot be " + value);
        }
    }
}
