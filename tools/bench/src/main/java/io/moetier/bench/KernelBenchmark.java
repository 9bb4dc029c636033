package io.moetier.bench;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.kernels.tensor.WeightPacker;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Matrix products on weights that come from memory, as those of a token do, beside a plain read of as much memory,
/// which bounds the product with one column.
///
/// Equal matrices take turns until [#MEGABYTES] are used, which must be more than the last-level cache holds.
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmark {
    static final String MEGABYTES = "1024";
    private static final int COLUMNS = 128;
    private static final long SEED = 11;
    private static final byte HALF_EXPONENT = 0x20;

    /// Matrices, and activations to multiply them by.
    @State(Scope.Benchmark)
    public static class Matrices {
        @Param({"2048x1024", "1024x2048"})
        String shape = "2048x1024";

        @Param({"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_0", "Q5_1", "IQ4_XS", "MXFP4", "Q4_K", "Q6_K"})
        DType dtype = DType.F32;

        @Param({"NATIVE", "VECTOR"})
        KernelChoice kernels = KernelChoice.NATIVE;

        @Param({"1", "2"})
        int threads = 1;

        @Param(MEGABYTES)
        int megabytes = 1;

        private WeightMatrix[] matrices;
        private CpuDevice device;
        private DeviceBuffer x;
        private DeviceBuffer out;
        private int turn;

        /// Packs one matrix, and copies it.
        @Setup(Level.Trial)
        public void pack() {
            int by = shape.indexOf('x');
            int rows = Integer.parseInt(shape, 0, by, 10);
            int cols = Integer.parseInt(shape, by + 1, shape.length(), 10);
            device = CpuDevice.open(threads, kernels);
            Random random = new Random(SEED);
            Arena arena = Arena.ofAuto();
            long bytes = WeightMatrix.packedBytes(dtype, rows, cols);
            matrices = new WeightMatrix[Math.toIntExact(Math.max(1, ((long) megabytes << 20) / bytes))];
            MemorySegment packed = packed(arena, dtype, rows, cols, random);
            for (int i = 0; i < matrices.length; i++) {
                MemorySegment copy = arena.allocate(bytes, WeightMatrix.ALIGNMENT);
                copy.copyFrom(packed);
                matrices[i] = new WeightMatrix(dtype, rows, cols, copy);
            }
            x = Buffers.random(device, COLUMNS * cols, random);
            out = device.allocate(COLUMNS * rows);
        }

        private static MemorySegment packed(Arena arena, DType dtype, int rows, int cols, Random random) {
            boolean rounds = dtype.blockElements() > 1 && WeightPacker.packs(DType.F32, dtype);
            DType source = rounds ? DType.F32 : dtype;
            MemorySegment plain = arena.allocate(source.bytes((long) rows * cols));
            if (source.blockElements() > 1) {
                fillBlocks(source, plain, random);
            } else {
                fillFloats(source, plain, (long) rows * cols, random);
            }
            MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(dtype, rows, cols), WeightMatrix.ALIGNMENT);
            WeightPacker.pack(source, plain, dtype, rows, cols, packed);
            return packed;
        }

        /// Any bytes are weights, once exponents are reasonable: the first byte's, or those of two float16 numbers.
        private static void fillBlocks(DType dtype, MemorySegment blocks, Random random) {
            byte[] bytes = new byte[Math.toIntExact(blocks.byteSize())];
            random.nextBytes(bytes);
            for (int at = 0; at < bytes.length; at += dtype.blockBytes()) {
                if (dtype == DType.MXFP4) {
                    bytes[at] = (byte) random.nextInt(119, 124);
                } else {
                    bytes[at + 1] = HALF_EXPONENT;
                    bytes[at + 3] = HALF_EXPONENT;
                }
            }
            MemorySegment.copy(bytes, 0, blocks, ValueLayout.JAVA_BYTE, 0, bytes.length);
        }

        private static void fillFloats(DType dtype, MemorySegment plain, long length, Random random) {
            for (long i = 0; i < length; i++) {
                float weight = (float) random.nextGaussian() / 16;
                switch (dtype) {
                    case F32 -> plain.setAtIndex(ValueLayout.JAVA_FLOAT, i, weight);
                    case F16 -> plain.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(weight));
                    case BF16 ->
                        plain.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(weight) >>> 16));
                    default -> throw new IllegalArgumentException(dtype.label());
                }
            }
        }

        /// Ends the device's threads.
        @TearDown(Level.Trial)
        public void close() {
            device.close();
        }

        private DeviceBuffer multiply(int n, Work work) {
            turn = (turn + 1) % matrices.length;
            WeightMatrix w = matrices[turn];
            device.kernels().matmul(w, x, n, out);
            work.read(w.bytes().byteSize());
            work.computed(2L * n * w.rows() * w.cols());
            return out;
        }
    }

    /// A matrix times one column.
    @Benchmark
    public DeviceBuffer gemv(Matrices matrices, Work work) {
        return matrices.multiply(1, work);
    }

    /// A matrix times 128 columns.
    @Benchmark
    public DeviceBuffer gemm(Matrices matrices, Work work) {
        return matrices.multiply(COLUMNS, work);
    }

    /// Reads as much memory as the matrices take, each thread its share.
    @Benchmark
    public int read(ReadableMemory memory, Work work) {
        work.read(memory.bytes());
        return memory.read();
    }
}
