package io.moetier.storage.cache;

/// Where arrays of what was learnt are carried to or from, one after another. What is kept is told once, for every way,
/// so that writing and reading cannot disagree.
public interface LearntArrays {
    void carry(float[] values);

    /// Carries values that are from `least` to `most`.
    void carry(int[] values, int least, int most);

    /// Carries the first `n` values, which may be any.
    void carry(short[] values, int n);
}
