package io.moetier.kernels.cpu.nativecode;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.LatentBlock;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.PlainArithmetic;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The C kernels. Quantised weights are multiplied with activations of eight bits, one scale for each 32 of them, but
/// those of MXFP4 with three such numbers for each activation, which are as exact as float32; the others with float32.
/// Types that C does not multiply are computed by plain loops.
///
/// Only while [NativeKernels#library] has a library.
public final class NativeArithmetic implements Arithmetic {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int SCALED = 32;
    private static final int SUMMED = 16;

    /// Columns behind the last one whose scales and sums C reads and drops.
    private static final int SPARE = 3;

    private static final int FLOATS_PER_QUERY = 288;

    private final Arithmetic plain = new PlainArithmetic();
    private final ThreadLocal<NativeFloats> lender = ThreadLocal.withInitial(NativeFloats::new);
    private final boolean[] multiplies = new boolean[DType.values().length];

    public NativeArithmetic() {
        for (DType dtype : DType.values()) {
            multiplies[number(dtype)] = NativeCalls.multiplies(number(dtype));
        }
    }

    /// Says whether weights of this type are multiplied by C.
    public boolean multiplies(DType dtype) {
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

    /// The levels of instructions are not told apart: what they compute for experts has the same bits.
    @Override
    public String code() {
        return "native code, " + NativeKernels.library().digest();
    }

    @Override
    public boolean rounds(DType dtype) {
        return multiplies(dtype) && dtype.blockElements() > 1 && digits(dtype) == 1;
    }

    @Override
    public void reserve(DType dtype, int cols, int n, PackedColumns to) {
        if (!multiplies(dtype)) {
            plain.reserve(dtype, cols, n, to);
            return;
        }
        int length = Math.multiplyExact(n, cols);
        if (dtype.blockElements() == 1) {
            to.reserve(n, cols, length, 0, 0, 0);
        } else {
            int bytes = Math.multiplyExact(length, digits(dtype));
            to.reserve(n, cols, 0, bytes, numScales(length), numSums(dtype, bytes));
        }
    }

    /// Returns how many bytes an activation is rounded to.
    private static int digits(DType dtype) {
        return dtype == DType.MXFP4 ? 3 : 1;
    }

    private static int numScales(int length) {
        return length / SCALED + SPARE;
    }

    private static int numSums(DType dtype, int bytes) {
        return bytes / SUMMED + SPARE * digits(dtype) * SCALED / SUMMED;
    }

    @Override
    public void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column) {
        if (!multiplies(dtype)) {
            plain.pack(dtype, x, xAt, to, column);
            return;
        }
        requireRoom(dtype, to);
        Objects.checkIndex(column, to.n);
        MemorySegment lent = lender.get().lend(0, x, xAt, to.cols);
        NativeCalls.pack(number(dtype), lent, 0, MemorySegment.NULL, 0, to, column, column + 1);
    }

    @Override
    public void pack(
            DType dtype,
            float[] x,
            int xAt,
            int stride,
            int @Nullable [] rows,
            int firstRow,
            PackedColumns to,
            int first,
            int last) {
        if (to.n == 1 || NativeFloats.isShort((last - first) * to.cols) || !multiplies(dtype)) {
            Arithmetic.super.pack(dtype, x, xAt, stride, rows, firstRow, to, first, last);
            return;
        }
        requireRoom(dtype, to);
        Objects.checkFromToIndex(first, last, to.n);
        for (int column = first; column < last; column++) {
            int row = rows == null ? firstRow + column : rows[firstRow + column];
            Objects.checkFromIndexSize(xAt + row * stride, to.cols, x.length);
        }
        MemorySegment lent = MemorySegment.ofArray(x).asSlice(4L * xAt);
        MemorySegment lentRows = rows == null ? MemorySegment.NULL : MemorySegment.ofArray(rows);
        NativeCalls.pack(number(dtype), lent, stride, lentRows, firstRow, to, first, last);
    }

    @Override
    public void multiply(WeightMatrix w, int from, int to, PackedColumns x, Results y, Scratch scratch) {
        if (!multiplies(w.dtype())) {
            plain.multiply(w, from, to, x, y, scratch);
            return;
        }
        requireRoom(w.dtype(), x);
        Objects.checkFromToIndex(y.firstColumn, y.lastColumn, x.n);
        if (w.cols() != x.cols) {
            throw new IllegalArgumentException("columns of " + x.cols + " for a matrix of " + w.cols() + " columns");
        }
        int length = Math.multiplyExact(to - from, ROWS);
        y.requireRoom(length);
        int type = number(w.dtype());
        long tiles = address(w, from, to);
        int first = y.firstColumn;
        int last = y.lastColumn;
        if (x.n == 1) {
            NativeFloats floats = lender.get();
            MemorySegment results = floats.room(0, y.floats, y.at(0), length);
            NativeCalls.multiply(type, tiles, to - from, x, 0, 1, results, 0, NativeFloats.AT_THE_START);
            floats.takeBack(0, y.floats, y.at(0), length);
            return;
        }
        if (NativeFloats.isShort((last - first) * length)) {
            NativeFloats floats = lender.get();
            MemorySegment results = floats.shortRoom();
            MemorySegment multiples = floats.multiples(last, length);
            NativeCalls.multiply(type, tiles, to - from, x, first, last, results, -first * length, multiples);
            for (int column = first; column < last; column++) {
                floats.takeBackShort((column - first) * length, y.floats, y.at(column), length);
            }
            return;
        }
        MemorySegment results = MemorySegment.ofArray(y.floats);
        MemorySegment starts = MemorySegment.ofArray(y.starts);
        NativeCalls.multiply(type, tiles, to - from, x, first, last, results, y.offset, starts);
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
        int bytes = Math.multiplyExact(length, digits(dtype));
        boolean enough = dtype.blockElements() == 1
                ? x.floats.length >= length
                : x.bytes.length >= bytes
                        && x.scales.length >= numScales(length)
                        && x.sums.length >= numSums(dtype, bytes);
        if (!enough) {
            throw new IllegalArgumentException("the columns were not packed for " + dtype.label() + " weights");
        }
    }

    @Override
    public void swiGlu(Results gate, Results up, int length, Scratch scratch) {
        int first = gate.firstColumn;
        int last = gate.lastColumn;
        if (last - first == 1 || NativeFloats.isShort((last - first) * length)) {
            for (int column = first; column < last; column++) {
                swiGlu(gate.floats, gate.at(column), up.floats, up.at(column), length);
            }
            return;
        }
        gate.requireRoom(length);
        up.requireRoom(length);
        NativeCalls.swiGlu(
                first,
                last,
                length,
                MemorySegment.ofArray(gate.floats),
                gate.offset,
                MemorySegment.ofArray(gate.starts),
                MemorySegment.ofArray(up.floats),
                up.offset,
                MemorySegment.ofArray(up.starts));
    }

    private void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int length) {
        NativeFloats floats = lender.get();
        MemorySegment gates = floats.lend(0, gate, gateAt, length);
        MemorySegment ups = floats.lend(1, up, upAt, length);
        MemorySegment start = NativeFloats.AT_THE_START;
        NativeCalls.swiGlu(0, 1, length, gates, 0, start, ups, 0, start);
        floats.takeBack(0, gate, gateAt, length);
    }

    @Override
    public void rmsNorm(
            float[] x, int at, int rows, int cols, float[] weight, float eps, float[] out, Scratch scratch) {
        int length = Math.multiplyExact(rows, cols);
        NativeFloats floats = lender.get(); // the rows may be the heads of one token
        MemorySegment lent = floats.lend(0, x, at, length);
        MemorySegment weights = floats.lend(1, weight, 0, cols);
        NativeCalls.rmsNorm(lent, rows, cols, weights, eps, floats.room(2, out, at, length));
        floats.takeBack(2, out, at, length);
    }

    @Override
    public void store(float[] k, float[] v, int position, KvLayer cache, int from, int to) {
        int heads = cache.numKvHeads();
        int count = to - from;
        if (cache.type() != KvType.F16 || count == 0) {
            Arithmetic.super.store(k, v, position, cache, from, to);
            return;
        }
        requireStored(cache, 0, position + (to - 1) / heads + 1);
        NativeFloats floats = lender.get();
        MemorySegment keys = floats.lend(0, k, from * cache.headDim(), count * cache.headDim());
        MemorySegment values = floats.lend(1, v, from * cache.valueDim(), count * cache.valueDim());
        NativeCalls.storeHalves(keys, values, from, to, position, cache);
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
        requireStored(cache, kvHead, position + rows);
        int headDim = shape.headDim();
        int firstHead = at / headDim % shape.numHeads();
        int valueDim = shape.valueDim();
        int outAt = at / headDim * valueDim;
        int span = (rows - 1) * shape.numHeads() + heads;
        Objects.checkFromIndexSize(at, span * headDim, q.length);
        Objects.checkFromIndexSize(outAt, span * valueDim, out.length);
        int roomLength = Math.multiplyExact(rows * heads, headDim + valueDim + FLOATS_PER_QUERY);
        float[] room = scratch.scores(roomLength);
        if (rows > 1) { // between the queries of these heads are those of others, which must not be written
            MemorySegment lentRoom = MemorySegment.ofArray(room);
            attend(
                    rows,
                    heads,
                    position,
                    shape,
                    firstHead,
                    cache,
                    kvHead,
                    MemorySegment.ofArray(q),
                    at,
                    MemorySegment.ofArray(out),
                    outAt,
                    lentRoom);
            return;
        }
        NativeFloats floats = lender.get();
        MemorySegment query = floats.lend(0, q, at, heads * headDim);
        MemorySegment result = floats.room(1, out, outAt, heads * valueDim);
        MemorySegment lentRoom = floats.room(2, room, 0, roomLength);
        attend(rows, heads, position, shape, firstHead, cache, kvHead, query, 0, result, 0, lentRoom);
        floats.takeBack(1, out, outAt, heads * valueDim);
    }

    private static void attend(
            int rows,
            int heads,
            int position,
            AttentionShape shape,
            int firstHead,
            KvLayer cache,
            int kvHead,
            MemorySegment q,
            int at,
            MemorySegment out,
            int outAt,
            MemorySegment room) {
        int half = cache.type() == KvType.F16 ? 1 : 0;
        long chunks = cache.addresses().address();
        NativeCalls.attend(half, chunks, kvHead, rows, heads, shape, firstHead, position, q, at, out, outAt, room);
    }

    private static void requireStored(KvLayer cache, int kvHead, int positions) {
        Objects.checkIndex(kvHead, cache.numKvHeads());
        MemorySegment last = cache.keys((positions - 1) / KvLayer.CHUNK_POSITIONS);
        if (!last.scope().isAlive()) {
            throw new IllegalStateException("the memory of the keys is closed");
        }
    }

    /// Calls native code once for each chunk of the cache, so that no call is long.
    @Override
    public void attendLatents(
            float[] absorbed,
            int at,
            float[] q,
            int qAt,
            int heads,
            int position,
            LatentShape shape,
            LatentLayer cache,
            float[] out,
            Scratch scratch) {
        LatentBlock block = scratch.latents;
        block.begin(absorbed, at, q, qAt, heads, shape);
        for (int first = 0; first <= position; first += LatentLayer.CHUNK_POSITIONS) {
            int count = Math.min(LatentLayer.CHUNK_POSITIONS, position + 1 - first);
            MemorySegment chunk = cache.chunk(first / LatentLayer.CHUNK_POSITIONS);
            if (!chunk.scope().isAlive()) {
                throw new IllegalStateException("the memory of the latents is closed");
            }
            NativeCalls.attendLatents(cache.type() == KvType.F16 ? 1 : 0, chunk.address(), count, block);
        }
        block.finish(out, at);
    }
}
