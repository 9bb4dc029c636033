package io.moetier.runtime.model.pass;

/// Is shown what the layers start from and what each mixture in them computes, on the thread that computes. Being
/// watched changes no bit of the result; the time is that of what the observer reads, and of the scores.
public interface MixtureObserver {
    /// Takes the rows that enter the first layer, of the encoder or of the decoder.
    ///
    /// @param firstPosition position of the first row
    /// @param embedding `[n, hiddenSize]`
    void onEmbedding(boolean encoder, int firstPosition, Rows embedding);

    /// Takes what a mixture has computed, after it has run.
    void onMixture(Mixture mixture);
}
