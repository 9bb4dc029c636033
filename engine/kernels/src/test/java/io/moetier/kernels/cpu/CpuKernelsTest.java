package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import io.moetier.testdata.WarmCode;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What is the processor's own: bits that depend neither on batches nor on threads, the layout of its caches, and that
/// nothing is allocated. [CpuContractTest] is about what the operations compute.
class CpuKernelsTest {
    private static final long SEED = 4711;
    private static final double ULP = 0x1p-24;
    /// Lengths of rows by elements of a block.
    private static final Map<Integer, List<Integer>> COLS =
            Map.of(1, List.of(64, 91, 544), 32, List.of(64, 96, 544, 1056), 256, List.of(256, 768, 1280));

    private final Random random = new Random(SEED);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    private static CpuDevice device(KernelChoice choice) {
        return CpuDevice.open(2, choice);
    }

    private static DeviceBuffer buffer(CpuDevice device, float[] floats) {
        DeviceBuffer buffer = device.allocate(floats.length);
        device.upload(floats, 0, floats.length, buffer, 0);
        return buffer;
    }

    private static float[] read(CpuDevice device, DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device.download(buffer, 0, floats.length, floats, 0);
        return floats;
    }

    /// A scale whose reciprocal overflows would make them infinite.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void activationsNearZeroGiveResultsNearZero(KernelChoice choice) {
        for (DType dtype : DType.values()) {
            int cols = Math.max(64, dtype.blockElements());
            WeightMatrix w = TestWeights.matrix(arena, dtype, 20, cols, random);
            for (int n : new int[] {1, 9}) {
                float[] x = TestWeights.floats(n * cols, random);
                for (int i = 0; i < x.length; i++) {
                    x[i] *= i % 2 == 0 ? 1e-38f : 0f;
                }
                for (float y : product(1, choice, w, x, n)) {
                    assertTrue(Math.abs(y) < 1e-30f, () -> dtype + ": " + y);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aRowGivesTheSameBitsInEveryBatchAndOnEveryNumberOfThreads(KernelChoice choice) {
        int rows = 200;
        for (DType dtype : DType.values()) {
            for (int cols : COLS.getOrDefault(dtype.blockElements(), List.of())) {
                WeightMatrix w = TestWeights.matrix(arena, dtype, rows, cols, random);
                float[] x = TestWeights.floats(33 * cols, random);
                float[] expected = product(1, choice, w, x, 33);
                assertArrayEquals(expected, product(2, choice, w, x, 33), dtype + " on 2 threads");
                assertArrayEquals(expected, product(3, choice, w, x, 33), dtype + " on 3 threads");
                for (int n : new int[] {1, 2, 7}) {
                    float[] some = product(2, choice, w, x, n);
                    assertArrayEquals(Arrays.copyOf(expected, n * rows), some, dtype + " in a batch of " + n);
                }
            }
        }
    }

    private static float[] product(int threads, KernelChoice choice, WeightMatrix w, float[] x, int n) {
        try (CpuDevice device = CpuDevice.open(threads, choice)) {
            DeviceBuffer out = device.allocate(n * w.rows());
            device.kernels().matmul(w, buffer(device, x), n, out);
            return read(device, out);
        }
    }

    private AttentionSinks sinks(int numHeads) {
        float[] logits = TestWeights.floats(numHeads, random);
        for (int head = 0; head < numHeads; head++) {
            logits[head] *= 5;
        }
        return new AttentionSinks(logits);
    }

    /// With two key heads, five threads take single heads, and fewer take those of a key head together.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aTokenAttendsWithTheSameBitsInEveryBatchAndOnEveryNumberOfThreads(KernelChoice choice) {
        int before = 301;
        int n = 37;
        for (int headDim : new int[] {7, 32, 80, 128}) {
            for (int window : new int[] {0, 5, 45, -45}) {
                AttentionShape windowed = new AttentionShape(6, 2, headDim, 0.1f, Math.max(0, window));
                AttentionShape shape = window < 0
                        ? windowed.withChunk(-window).withTiledHeads().withSinks(sinks(6))
                        : windowed;
                KvLayer cache = new KvLayer(arena, KvType.F16, before + n, 2, headDim);
                cache.reserve(before + n);
                float[] kv = TestWeights.floats((before + n + 1) * 2 * headDim, random);
                float[] v = Arrays.copyOfRange(kv, 1, kv.length);
                for (int i = 0; i < (before + n) * 2; i++) {
                    cache.store(i / 2, i % 2, kv, i * headDim, v, i * headDim);
                }
                int cols = 6 * headDim;
                float[] q = TestWeights.floats(n * cols, random);
                float[] expected = attention(5, choice, q, n, before, shape, cache);
                String message = SEED + ": " + shape;
                assertArrayEquals(expected, attention(1, choice, q, n, before, shape, cache), message);
                for (int i = 0; i < n; i++) {
                    float[] row = Arrays.copyOfRange(q, i * cols, (i + 1) * cols);
                    float[] alone = attention(1 + i % 5, choice, row, 1, before + i, shape, cache);
                    assertArrayEquals(Arrays.copyOfRange(expected, i * cols, (i + 1) * cols), alone, message);
                }
            }
        }
    }

    private static float[] attention(
            int threads, KernelChoice choice, float[] q, int n, int first, AttentionShape shape, KvLayer cache) {
        try (CpuDevice device = CpuDevice.open(threads, choice)) {
            DeviceBuffer out = device.allocate(q.length);
            device.kernels().attention(buffer(device, q), n, first, shape, cache, out);
            return read(device, out);
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void activates(KernelChoice choice) {
        float[] gate = TestWeights.floats(5003, random);
        float[] up = TestWeights.floats(5003, random);
        for (int i = 0; i < 200; i++) {
            gate[i] = i - 100;
        }
        Arithmetic arithmetic = KernelSelection.of(choice, Optional.empty()).arithmetic();
        float[] y = gate.clone();
        arithmetic.swiGlu(new Results().only(y, 3), new Results().only(up, 3), gate.length - 3, new Scratch());
        assertArrayEquals(Arrays.copyOf(gate, 3), Arrays.copyOf(y, 3));
        for (int i = 3; i < y.length; i++) {
            assertActivated(gate[i], up[i], y[i]);
        }

        // columns 2 and 3 of four, forwards in one operand and backwards in the other
        float[] columns = gate.clone();
        int[] backwards = {0, 0, 1000, 100};
        arithmetic.swiGlu(
                new Results().dense(columns, 10, 2, 4, 37),
                new Results().to(up, 5, backwards, 2, 4),
                37,
                new Scratch());
        for (int i = 0; i < columns.length; i++) {
            int at = i - 10;
            if (at < 0 || at >= 2 * 37) {
                assertEquals(gate[i], columns[i]);
            } else {
                assertActivated(gate[i], up[5 + (at < 37 ? 1000 + at : 100 + at - 37)], columns[i]);
            }
        }
    }

    private static void assertActivated(float gate, float up, float y) {
        double expected = gate / (1 + Math.exp(-(double) gate)) * up;
        // the exponential is within 2 units, and below -87 only the absolute size counts
        assertEquals(expected, y, 8 * ULP * Math.abs(expected) + 1e-35);
    }

    /// One position and several ones, which reach from one chunk into the next, and numbers that float16 has not.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void storesKeysAndValuesAsTheLayoutSays(KernelChoice choice) {
        float[] special = {0f, -0f, 1e9f, -1e9f, 65504f, 65519f, 65520f, 6e-8f, -2e-8f, 0x1.002p0f, Float.NaN};
        for (KvType type : KvType.values()) {
            for (int headDim : new int[] {4, 20, 32, 64}) {
                int valueDim = headDim == 64 ? 40 : headDim;
                int first = KvLayer.CHUNK_POSITIONS - 19;
                float[] k = TestWeights.floats(40 * 3 * headDim, random);
                float[] v = TestWeights.floats(40 * 3 * valueDim, random);
                System.arraycopy(special, 0, k, 8 * headDim, Math.min(headDim, special.length));
                System.arraycopy(special, 0, v, 9 * valueDim, Math.min(valueDim, special.length));
                KvLayer expected = new KvLayer(arena, type, first + 40, 3, headDim, valueDim);
                expected.reserve(first + 40);
                for (int i = 0; i < 40 * 3; i++) {
                    expected.store(first + i / 3, i % 3, k, i * headDim, v, i * valueDim);
                }
                KvLayer found = new KvLayer(arena, type, first + 40, 3, headDim, valueDim);
                try (CpuDevice device = device(choice)) {
                    Kernels kernels = device.kernels();
                    int alone = 3 * headDim;
                    kernels.storeKv(buffer(device, k), buffer(device, v), 1, first, found);
                    kernels.storeKv(
                            buffer(device, Arrays.copyOfRange(k, alone, k.length)),
                            buffer(device, Arrays.copyOfRange(v, 3 * valueDim, v.length)),
                            39,
                            first + 1,
                            found);
                }
                for (int chunk = 0; chunk < 2; chunk++) {
                    assertEquals(-1, expected.keys(chunk).mismatch(found.keys(chunk)), type + " " + headDim);
                    assertEquals(-1, expected.values(chunk).mismatch(found.values(chunk)), type + " " + headDim);
                }
            }
        }
    }

    @Test
    void saysWhatComputes() {
        try (CpuDevice plain = CpuDevice.open(1, KernelChoice.PLAIN);
                CpuDevice vector = device(KernelChoice.VECTOR)) {
            assertEquals("CPU, plain Java, 1 thread", plain.description());
            assertTrue(vector.description().matches("CPU, Vector API, \\d+ bits, 2 threads"));
        }
        if (KernelChoice.present().contains(KernelChoice.NATIVE)) {
            try (CpuDevice best = device(KernelChoice.AUTO)) {
                assertTrue(best.description().matches("CPU, native code, [\\w -]+, 2 threads"), best::description);
            }
        }
    }

    /// Counts what the calling thread allocates: it takes part in every kernel, and the others run the same code.
    @Test
    void allocatesNothingInADecodeStep() {
        try (CpuDevice device = CpuDevice.open(2, KernelChoice.PLAIN)) {
            DecodeStep step = new DecodeStep(device);
            for (int position = 0; position < 300; position++) {
                step.run(position);
            }
            long allocated = WarmCode.allocated(1000, () -> {
                for (int position = 300; position < 340; position++) {
                    step.run(position);
                }
            });
            assertTrue(allocated <= 1000, allocated + " bytes in 40 steps");
        }
    }

    /// Cold code allocates, as vectors, and the segments that native code is given, are objects until the compiler has
    /// seen them, which on a busy machine takes its time.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void allocatesNothingInADecodeStepOnceWarm(KernelChoice choice) {
        try (CpuDevice device = CpuDevice.open(1, choice)) {
            DecodeStep step = new DecodeStep(device);
            long allocated = WarmCode.allocated(1000, () -> {
                for (int position = 256; position < 266; position++) {
                    step.run(position);
                }
            });
            assertTrue(allocated <= 1000, allocated + " bytes in 10 steps");
        }
    }

    /// The compiler gives up inlining in methods that are too large for it, and leaves vectors as objects.
    @Test
    void noVectorKernelAllocatesOnceWarm() {
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.VECTOR)) {
            DeviceBuffer x = buffer(device, TestWeights.floats(10 * 512, random));
            DeviceBuffer out = device.allocate(10 * 64);
            for (DType dtype : DType.values()) {
                WeightMatrix w = TestWeights.matrix(arena, dtype, 64, 512, random);
                for (int n : new int[] {1, 10}) {
                    long allocated = WarmCode.allocated(1000, () -> {
                        for (int i = 0; i < 20; i++) {
                            device.kernels().matmul(w, x, n, out);
                        }
                    });
                    assertTrue(allocated <= 1000, allocated + " bytes in 20 products with " + dtype + " and " + n);
                }
            }
        }
    }

    /// What a layer does for one token.
    private final class DecodeStep {
        private final Kernels kernels;
        private final WeightMatrix square = TestWeights.matrix(arena, DType.BF16, 64, 64, random);
        private final WeightMatrix quantised = TestWeights.matrix(arena, DType.Q8_0, 64, 64, random);
        private final WeightMatrix half = TestWeights.matrix(arena, DType.F16, 64, 64, random);
        private final WeightMatrix fourBits = TestWeights.matrix(arena, DType.Q4_0, 64, 64, random);
        private final WeightMatrix router = TestWeights.matrix(arena, DType.F32, 8, 64, random);
        private final float[] norm = TestWeights.floats(64, random);
        private final RopeTable rope = RopeTable.of(32, 10000, false, Optional.empty());
        private final AttentionShape shape = new AttentionShape(2, 2, 32, 0.2f, 0);
        private final KvLayer cache = new KvLayer(arena, KvType.F16, 512, 2, 32);
        private final DeviceBuffer x;
        private final DeviceBuffer y;
        private final DeviceBuffer z;
        private final DeviceBuffer logits;
        private final DeviceBuffer experts;
        private final int[] zero = {0};
        private final ExpertBatch expert = batch(quantised, quantised, quantised, zero, 0, 1, zero);
        private final Routing routing = Routing.softmax(8, 2).normalised(Normalisation.SUM);
        private final int[] ids = new int[2];
        private final float[] weights = new float[2];

        DecodeStep(CpuDevice device) {
            kernels = device.kernels();
            rope.reserve(512);
            cache.reserve(512);
            x = buffer(device, TestWeights.floats(64, random));
            y = device.allocate(64);
            z = device.allocate(64);
            logits = device.allocate(8);
            experts = device.allocate(128);
        }

        void run(int position) {
            kernels.rmsNorm(x, 1, 64, norm, 1e-5f, y);
            kernels.matmul(square, y, 1, z);
            kernels.rope(z, 1, 2, 32, 0, position, rope);
            kernels.storeKv(z, y, 1, position, cache);
            kernels.attention(z, 1, position, shape, cache, y);
            kernels.matmul(half, y, 1, z);
            kernels.matmul(fourBits, y, 1, z);
            kernels.matmul(router, z, 1, logits);
            kernels.route(logits, 1, routing, null, ids, weights);
            kernels.expertFfn(expert, z, experts);
            kernels.weightedSum(experts, weights, 1, 2, 64, y);
        }
    }

    private static ExpertBatch batch(
            WeightMatrix gate, WeightMatrix up, WeightMatrix down, int[] rows, int from, int n, int[] outRows) {
        ExpertBatch batch = new ExpertBatch();
        batch.begin(rows, outRows, n);
        batch.add(ExpertWeights.swiGlu(gate, up, down), from, n);
        return batch;
    }
}
