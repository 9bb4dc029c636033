package io.moetier.engine.device.cpu;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.KvLayer;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// The C kernels. Quantised weights are multiplied with activations of eight bits, one scale for each 32 of them; the
/// others with float32. Types that C does not multiply are computed by plain loops.
///
/// Only while [NativeKernels#library] has a library.
final class NativeArithmetic implements Arithmetic {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int SCALED = 32;
    private static final int SUMMED = 16;

    private final Arithmetic plain = new PlainArithmetic();
    private final Arithmetic attention;
    private final boolean[] multiplies = new boolean[DType.values().length];

    /// @param attention what attends
    NativeArithmetic(Arithmetic attention) {
        this.attention = attention;
        for (DType dtype : DType.values()) {
            multiplies[number(dtype)] = NativeCalls.multiplies(number(dtype));
        }
    }

    /// Says whether weights of this type are multiplied by C.
    boolean multiplies(DType dtype) {
        return multiplies[number(dtype)];
    }

    @SuppressWarnings("EnumOrdinal") // kernels.h numbers the types so
    private static int number(DType dtype) {
        return dtype.ordinal();
    }

    @Override
    public String description() {
        return "native code, " + NativeKernels.library().instructions();
    }

    @Override
    public void reserve(DType dtype, int cols, int n, PackedColumns to) {
        if (!multiplies(dtype)) {
            plain.reserve(dtype, cols, n, to);
        } else if (dtype.blockElements() == 1) {
            to.reserve(n, cols, Math.multiplyExact(n, (cols + ROWS - 1) / ROWS * ROWS), 0, 0, 0);
        } else {
            int length = Math.multiplyExact(n, cols);
            to.reserve(n, cols, 0, length, length / SCALED, length / SUMMED);
        }
    }

    @Override
    public void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column) {
        if (!multiplies(dtype)) {
            plain.pack(dtype, x, xAt, to, column);
            return;
        }
        requireRoom(dtype, to);
        Objects.checkIndex(column, to.n);
        NativeCalls.pack(number(dtype), floats(x, xAt, to.cols), to.cols, column, to);
    }

    @Override
    public void multiply(
            WeightMatrix w,
            int from,
            int to,
            PackedColumns x,
            int firstColumn,
            int lastColumn,
            float[] y,
            int yAt,
            Scratch scratch) {
        if (!multiplies(w.dtype())) {
            plain.multiply(w, from, to, x, firstColumn, lastColumn, y, yAt, scratch);
            return;
        }
        requireRoom(w.dtype(), x);
        Objects.checkFromToIndex(firstColumn, lastColumn, x.n);
        Objects.checkIndex(w.cols() - x.cols, 1);
        MemorySegment results = floats(y, yAt, Math.multiplyExact((to - from) * ROWS, lastColumn - firstColumn));
        NativeCalls.multiply(number(w.dtype()), address(w, from, to), to - from, x, firstColumn, lastColumn, results);
    }

    /// Returns where tiles `from` to `to` start.
    ///
    /// @throws IllegalStateException if their memory was given back
    private static long address(WeightMatrix w, int from, int to) {
        MemorySegment bytes = w.bytes();
        long tileBytes = WeightMatrix.tileBytes(w.dtype(), w.cols());
        Objects.checkFromToIndex(from * tileBytes, to * tileBytes, bytes.byteSize());
        if (!bytes.scope().isAlive()) {
            throw new IllegalStateException("the memory of the weights is closed");
        }
        return bytes.address() + from * tileBytes;
    }

    /// Makes sure that C finds as much in the arrays as [#reserve] made room for.
    private static void requireRoom(DType dtype, PackedColumns x) {
        int length = Math.multiplyExact(x.n, x.cols);
        boolean enough = dtype.blockElements() == 1
                ? x.floats.length >= x.n * ((x.cols + ROWS - 1) / ROWS * ROWS)
                : x.bytes.length >= length && x.scales.length >= length / SCALED && x.sums.length >= length / SUMMED;
        if (!enough) {
            throw new IllegalArgumentException("the columns were not packed for " + dtype.label() + " weights");
        }
    }

    private static MemorySegment floats(float[] array, int at, int length) {
        return MemorySegment.ofArray(array).asSlice(4L * at, 4L * length);
    }

    @Override
    public void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int length, Scratch scratch) {
        NativeCalls.swiGlu(floats(gate, gateAt, length), floats(up, upAt, length), length);
    }

    @Override
    public void rmsNorm(float[] x, int at, int cols, float[] weight, float eps, float[] out, Scratch scratch) {
        NativeCalls.rmsNorm(floats(x, at, cols), cols, floats(weight, 0, cols), eps, floats(out, at, cols));
    }

    @Override
    public void attend(
            float[] q,
            int at,
            int rows,
            int heads,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch) {
        attention.attend(q, at, rows, heads, position, shape, cache, kvHead, out, scratch);
    }
}
