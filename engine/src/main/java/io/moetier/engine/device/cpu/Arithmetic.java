package io.moetier.engine.device.cpu;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.KvLayer;
import io.moetier.engine.tensor.WeightMatrix;

/// The loops inside the kernels that are worth writing twice: [PlainArithmetic] and [VectorArithmetic].
///
/// Every method does one thread's share of an operation. An output element is computed by one call, in an order of
/// operations that depends on neither the share nor the number of columns `n`.
interface Arithmetic {
    /// Returns one line for a person.
    String description();

    /// Multiplies tiles `from` to `to` of `w` by one column: `y[yAt + 16 * (t - from) + r]` becomes row `r` of tile
    /// `t`. Rows of padding are written too, so `y` must have room for whole tiles.
    ///
    /// @param x the column, `[w.cols]` from `xAt` on
    void gemv(WeightMatrix w, int from, int to, float[] x, int xAt, float[] y, int yAt, Scratch scratch);

    /// Multiplies tiles `from` to `to` of `w` by columns `firstColumn` to `lastColumn` (exclusive) of `n`.
    ///
    /// @param x packed columns `[cols / 16][n][16]`, the last sixteen padded with zeros
    /// @param y receives `[to - from][lastColumn - firstColumn][16]`
    void gemm(
            WeightMatrix w,
            int from,
            int to,
            float[] x,
            int n,
            int firstColumn,
            int lastColumn,
            float[] y,
            Scratch scratch);

    /// `gate = silu(gate) * up` for `length` elements.
    void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int length, Scratch scratch);

    /// Normalises one row of `cols` elements; `out` may be `x`.
    void rmsNorm(float[] x, int at, int cols, float[] weight, float eps, float[] out, Scratch scratch);

    /// Attention of `heads` query heads in a row that share a key head, at `position`: `out[at ..]` from `q[at ..]`. A
    /// head's result does not depend on the others.
    void attend(
            float[] q,
            int at,
            int heads,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch);
}
