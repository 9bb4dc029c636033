package io.moetier.runtime.remote;

/// What is asked of experts of one layer: each applied to rows of activations. Experts follow each other, and so do the
/// rows that they read in [#inputRows], and their results.
public interface ExpertRows {
    /// Returns the layer of the model.
    int layer();

    /// Returns the tokens of the whole pass, which may choose how experts are computed.
    int tokens();

    /// Returns how many elements a row has, one of results as well.
    int size();

    /// Returns `[numInputs, size]`, what experts read.
    float[] inputs();

    /// Returns how many rows of inputs there are.
    int numInputs();

    /// Returns how many experts are asked for.
    int numExperts();

    /// Returns how many rows all experts together read, and so have as results.
    int numRows();

    /// Returns the number of expert `i` in the layer; each is there once.
    int expert(int i);

    /// Returns the routing weight of expert `i`, summed over the tokens.
    float weight(int i);

    /// Returns how many rows expert `i` reads, at least one.
    int count(int i);

    /// Returns `[numRows]`, which rows of the inputs are read, expert by expert.
    int[] inputRows();
}
