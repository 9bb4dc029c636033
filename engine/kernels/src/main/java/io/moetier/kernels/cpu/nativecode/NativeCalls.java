package io.moetier.kernels.cpu.nativecode;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.moetier.kernels.cpu.arithmetic.LatentBlock;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.KvLayer;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The functions of `kernels.h`, as constants, which is what lets the compiler call them directly.
///
/// The calls are critical ones: they read and write arrays where they are, and the garbage collector waits for them.
/// Whoever calls has checked that the memory is there and as large as the function needs.
final class NativeCalls {
    private static final NativeLibrary LIBRARY = NativeKernels.library();
    private static final MethodHandle MULTIPLIES =
            LIBRARY.link("multiplies", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle PACK = LIBRARY.link(
            "pack",
            FunctionDescriptor.ofVoid(
                    JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS,
                    ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle MULTIPLY = LIBRARY.link(
            "multiply",
            FunctionDescriptor.ofVoid(
                    JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS,
                    ADDRESS, ADDRESS, JAVA_INT, ADDRESS));
    private static final MethodHandle SWIGLU = LIBRARY.link(
            "swiglu",
            FunctionDescriptor.ofVoid(
                    JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS));
    private static final MethodHandle RMS_NORM = LIBRARY.link(
            "rms_norm", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_FLOAT, ADDRESS));
    private static final MethodHandle STORE_HALVES = LIBRARY.link(
            "store_halves",
            FunctionDescriptor.ofVoid(
                    ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle ATTEND = LIBRARY.link(
            "attend",
            FunctionDescriptor.ofVoid(
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_FLOAT,
                    JAVA_INT,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_INT,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS));
    private static final MethodHandle ATTEND_LATENTS = LIBRARY.link(
            "attend_latents",
            FunctionDescriptor.ofVoid(
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_FLOAT,
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    ADDRESS));

    private NativeCalls() {}

    static boolean multiplies(int type) {
        try {
            return (int) MULTIPLIES.invokeExact(type) != 0;
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /// @param rows the rows of `x` that are packed, counted from `row`, or null for those from `row` on
    static void pack(
            int type, MemorySegment x, int stride, MemorySegment rows, int row, PackedColumns to, int first, int last) {
        try {
            PACK.invokeExact(
                    type,
                    x,
                    stride,
                    rows,
                    row,
                    to.cols,
                    to.n,
                    first,
                    last,
                    to.floatsSegment,
                    to.bytesSegment,
                    to.scalesSegment,
                    to.sumsSegment);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /// @param w the address of the first tile; its memory must not be given back during the call
    /// @param at where in `y`, from `offset` on, the results of each column start
    static void multiply(
            int type,
            long w,
            int tiles,
            PackedColumns x,
            int first,
            int last,
            MemorySegment y,
            int offset,
            MemorySegment at) {
        try {
            MULTIPLY.invokeExact(
                    type,
                    w,
                    tiles,
                    x.cols,
                    x.n,
                    first,
                    last,
                    x.floatsSegment,
                    x.bytesSegment,
                    x.scalesSegment,
                    x.sumsSegment,
                    y,
                    offset,
                    at);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    static void swiGlu(
            int first,
            int last,
            int length,
            MemorySegment gate,
            int gateOffset,
            MemorySegment gateAt,
            MemorySegment up,
            int upOffset,
            MemorySegment upAt) {
        try {
            SWIGLU.invokeExact(first, last, length, gate, gateOffset, gateAt, up, upOffset, upAt);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    static void rmsNorm(MemorySegment x, int rows, int cols, MemorySegment weight, float eps, MemorySegment out) {
        try {
            RMS_NORM.invokeExact(x, rows, cols, weight, eps, out);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /// @param k begins with the key of number `from`, counted from head 0 at `position`; `v` likewise
    /// @param cache whose memory must not be given back during the call
    static void storeHalves(MemorySegment k, MemorySegment v, int from, int to, int position, KvLayer cache) {
        try {
            STORE_HALVES.invokeExact(
                    k,
                    v,
                    from,
                    to,
                    position,
                    cache.numKvHeads(),
                    cache.headDim(),
                    cache.valueDim(),
                    cache.addresses().address());
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /// @param chunks the address of [io.moetier.kernels.device.KvLayer#addresses]; the memory they name must not be
    ///     given back during the call
    static void attend(
            int half,
            long chunks,
            int kvHead,
            int rows,
            int heads,
            AttentionShape shape,
            int firstHead,
            int position,
            MemorySegment q,
            int at,
            MemorySegment out,
            int outAt,
            MemorySegment scratch) {
        AttentionSinks sinks = shape.sinks();
        MemorySegment sinkLogits = sinks == null ? MemorySegment.NULL : sinks.segment();
        try {
            ATTEND.invokeExact(
                    half,
                    chunks,
                    kvHead,
                    rows,
                    heads,
                    shape.headDim(),
                    shape.valueDim(),
                    shape.numHeads(),
                    shape.scale(),
                    shape.visible().slidingWindow(),
                    shape.visible().chunk(),
                    sinkLogits,
                    firstHead,
                    position,
                    q,
                    at,
                    out,
                    outAt,
                    scratch);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /// @param rows the address of `count` positions; the memory must not be given back during the call
    static void attendLatents(int half, long rows, int count, LatentBlock block) {
        try {
            ATTEND_LATENTS.invokeExact(
                    half,
                    rows,
                    count,
                    block.latentDim,
                    block.keyDim,
                    block.scale,
                    block.qSegment,
                    block.sumsSegment,
                    block.largestSegment,
                    block.totalSegment,
                    block.weightsSegment,
                    block.decodedSegment);
        } catch (Throwable e) {
            throw rethrown(e);
        }
    }

    /// C throws nothing; what is thrown comes from the check of the arguments.
    private static RuntimeException rethrown(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(thrown);
        };
    }
}
