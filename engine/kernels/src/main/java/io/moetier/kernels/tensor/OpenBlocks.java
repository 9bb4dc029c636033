package io.moetier.kernels.tensor;

/// Gives the blocks of a type a form in which every part can be moved as it is, and undoes that.
interface OpenBlocks {
    /// Writes `numBlocks` blocks of `closed` to `open`.
    void open(byte[] closed, byte[] open, int numBlocks);

    /// Undoes [#open].
    void close(byte[] open, byte[] closed, int numBlocks);
}
