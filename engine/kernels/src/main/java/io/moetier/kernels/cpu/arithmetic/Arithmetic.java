package io.moetier.kernels.cpu.arithmetic;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import org.jspecify.annotations.Nullable;

/// The loops inside the kernels that are worth writing more than once.
///
/// Every method does one thread's share of an operation. An output element is computed by one call, in an order of
/// operations that depends on neither the share nor the number of columns.
public interface Arithmetic {
    /// Returns one line for a person.
    String description();

    /// Returns what this is, with all that tells one build of it from another.
    default String code() {
        return description();
    }

    /// Says whether activations are rounded to eight bits for weights of `dtype`.
    boolean rounds(DType dtype);

    /// Makes room in `to` for `n` columns of `cols` activations, in the form in which they are multiplied with weights
    /// of `dtype`. The caller does so once, before threads pack columns.
    void reserve(DType dtype, int cols, int n, PackedColumns to);

    /// Packs the column `x[xAt .. xAt + to.cols]` as column `column` of `to`.
    void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column);

    /// Packs columns `first` to `last` (exclusive) of `to`. Column `i` is row `firstRow + i` of `x`, or row
    /// `rows[firstRow + i]` if there are `rows`; row 0 starts at `xAt`, and the next ones `stride` floats further.
    default void pack(
            DType dtype,
            float[] x,
            int xAt,
            int stride,
            int @Nullable [] rows,
            int firstRow,
            PackedColumns to,
            int first,
            int last) {
        for (int column = first; column < last; column++) {
            int row = rows == null ? firstRow + column : rows[firstRow + column];
            pack(dtype, x, xAt + row * stride, to, column);
        }
    }

    /// Multiplies tiles `from` to `to` of `w` by the columns of `x` that `y` is for; `x` was packed for the type of
    /// `w`. Rows of padding are written too, so there must be room for whole tiles.
    ///
    /// @param y receives `[to - from][16]` for each column; the first one is a multiple of [#COLUMNS_TOGETHER]
    void multiply(WeightMatrix w, int from, int to, PackedColumns x, Results y, Scratch scratch);

    /// Columns that an implementation may interleave.
    int COLUMNS_TOGETHER = 16;

    /// `gate = silu(gate) * up` for `length` elements of each column.
    void swiGlu(Results gate, Results up, int length, Scratch scratch);

    /// Normalises each of `rows` rows of `cols` elements from `x[at]` on; `out` is laid out as `x`, and may be it.
    void rmsNorm(float[] x, int at, int rows, int cols, float[] weight, float eps, float[] out, Scratch scratch);

    /// Stores the keys and values of heads `from` to `to` (exclusive), counted from head 0 at `position`.
    ///
    /// @param k the keys, one head after another, from head 0 at `position` on; `v` likewise
    default void store(float[] k, float[] v, int position, KvLayer cache, int from, int to) {
        int heads = cache.numKvHeads();
        for (int i = from; i < to; i++) {
            cache.store(position + i / heads, i % heads, k, i * cache.headDim(), v, i * cache.valueDim());
        }
    }

    /// Attention of `heads` query heads in a row that share a key head, at `position` and the `rows - 1` positions
    /// after it. The first query is `q[at .. at + headDim]`, those of the next position lie `numHeads * headDim`
    /// elements further. The first result is head `at / headDim` of `out`, whose heads have `valueDim` elements;
    /// the others follow as in `q`. What a query gets does not depend on the others.
    void attend(
            float[] q,
            int at,
            int rows,
            int heads,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch);

    /// Latent attention of at most [LatentBlock#HEADS] heads of the token at `position`. Their absorbed
    /// queries, of `latentDim` floats each, start at `absorbed[at]`, their whole ones at `q[qAt]`; `out` is laid
    /// out as `absorbed`, and may be it. What a head gets does not depend on the others.
    void attendLatents(
            float[] absorbed,
            int at,
            float[] q,
            int qAt,
            int heads,
            int position,
            LatentShape shape,
            LatentLayer cache,
            float[] out,
            Scratch scratch);
}
