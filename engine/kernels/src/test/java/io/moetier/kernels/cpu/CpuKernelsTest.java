package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/// Every arithmetic against loops in double, which share nothing with them.
///
/// Tolerances: one rounding is 2^-24 of the value. Plain kernels sum in double, so a result is off by the one rounding
/// at its end. Vector kernels sum in float32; a term goes through the additions of its block of 32 and those of one
/// block to another, about `c / 32 + 34` for `c` columns, each off by 2^-24 of the sum of absolute terms at most.
/// Native kernels have two sums for each row of floats. They sum a block of quantised weights in whole numbers, and go
/// on in float32: one addition for each block, four roundings before it and two in the scale; and what is left of an
/// activation after three digits is 2^-24 of the largest of its block at most, some five times the mean. Where
/// activations are rounded to eight bits, the test rounds them as well.
class CpuKernelsTest {
    private static final long SEED = 4711;
    private static final double ULP = 0x1p-24;
    private static final int[][] SHAPES = {
        {16, 32},
        {40, 64},
        {33, 96},
        {5, 33},
        {100, 544},
        {24, 12},
        {64, 1056},
        {1, 256},
        {17, 512},
        {33, 768},
        {18, 1280}
    };
    private static final int[] COLUMNS = {1, 2, 7, 9, 33, 70, 200};

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

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void multipliesEveryTypeAndShape(KernelChoice choice) {
        try (CpuDevice device = device(choice)) {
            for (DType dtype : TestWeights.types(choice)) {
                for (int[] shape : SHAPES) {
                    if (shape[1] % dtype.blockElements() == 0) {
                        for (int n : COLUMNS) {
                            multiplies(device, choice, dtype, shape[0], shape[1], n);
                        }
                    }
                }
            }
        }
    }

    private void multiplies(CpuDevice device, KernelChoice choice, DType dtype, int rows, int cols, int n) {
        WeightMatrix w = TestWeights.matrix(arena, dtype, rows, cols, random);
        float[] weights = TestWeights.decoded(w);
        float[] x = TestWeights.floats((n + 3) * cols, random);
        DeviceBuffer out = device.allocate((n + 3) * rows);
        device.kernels().matmul(w, buffer(device, x), 2, n, out, 1);
        float[] y = read(device, out);
        double[] activations = TestWeights.activations(choice, dtype, x);
        double steps = steps(choice, dtype, cols);
        for (int i = 0; i < n; i++) {
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                double size = 0;
                for (int k = 0; k < cols; k++) {
                    double term = weights[row * cols + k] * activations[(2 + i) * cols + k];
                    sum += term;
                    size += Math.abs(term);
                }
                String where = SEED + ": " + dtype + " " + rows + " x " + cols + " x " + n + " at " + row + ", " + i;
                assertEquals(sum, y[(1 + i) * rows + row], steps * ULP * size, where);
            }
        }
        for (int i = 0; i < rows; i++) {
            assertEquals(0f, y[i], "before the output");
            assertEquals(0f, y[(n + 1) * rows + i], "after the output");
        }
    }

    /// Returns how many roundings of all terms a result may be off by.
    private static double steps(KernelChoice choice, DType dtype, int cols) {
        return switch (choice) {
            case PLAIN -> 1;
            case NATIVE -> TestWeights.hasIntegerProducts(choice, dtype) ? cols / 32.0 + 16 : cols / 2.0 + 34;
            default -> cols / 32.0 + 34;
        };
    }

    /// A scale whose reciprocal overflows would make them infinite.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void activationsNearZeroGiveResultsNearZero(KernelChoice choice) {
        for (DType dtype : TestWeights.types(choice)) {
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
        for (DType dtype : TestWeights.types(choice)) {
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

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void computesExperts(KernelChoice choice) {
        for (DType dtype : TestWeights.types(choice)) {
            int hidden = Math.max(64, dtype.blockElements());
            int inner = dtype.blockElements() == 1 ? 88 : Math.max(96, dtype.blockElements());
            WeightMatrix gate = TestWeights.matrix(arena, dtype, inner, hidden, random);
            WeightMatrix up = TestWeights.matrix(arena, dtype, inner, hidden, random);
            WeightMatrix down = TestWeights.matrix(arena, dtype, hidden, inner, random);
            float[] x = TestWeights.floats(300 * hidden, random);
            float[] single = new float[300 * hidden];
            for (int n : new int[] {1, 2, 200}) {
                int[] rows = random.ints(n + 1L, 0, 300).toArray();
                int[] outRows = java.util.stream.IntStream.rangeClosed(0, n)
                        .map(i -> n - i)
                        .toArray();
                try (CpuDevice device = device(choice)) {
                    DeviceBuffer out = device.allocate((n + 1) * hidden);
                    device.kernels().expertFfn(batch(gate, up, down, rows, 1, n, outRows), buffer(device, x), out);
                    float[] y = read(device, out);
                    for (int i = 1; i <= n; i++) {
                        float[] one = Arrays.copyOfRange(x, rows[i] * hidden, (rows[i] + 1) * hidden);
                        double[] expected = expert(choice, gate, up, down, one);
                        // three roundings deep and values near one: 1e-5 is about 200 roundings; but an activation
                        // between two multiples of a 127th may go to the other one
                        double tolerance = TestWeights.rounds(choice, dtype) ? 1e-3 : 1e-5;
                        for (int row = 0; row < hidden; row++) {
                            assertEquals(expected[row], y[outRows[i] * hidden + row], tolerance, dtype + " n = " + n);
                        }
                        if (n == 1) {
                            System.arraycopy(y, outRows[i] * hidden, single, rows[i] * hidden, hidden);
                        }
                    }
                    // the last of `outRows` is row 0, which position 0 did not ask for: nothing may be left of it
                    assertEquals(n, outRows[0]);
                    assertArrayEquals(new float[hidden], Arrays.copyOfRange(y, n * hidden, (n + 1) * hidden));
                }
            }
            int[] everyRow = java.util.stream.IntStream.range(0, 300).toArray();
            try (CpuDevice device = CpuDevice.open(1, choice)) {
                DeviceBuffer out = device.allocate(300 * hidden);
                device.kernels().expertFfn(batch(gate, up, down, everyRow, 0, 300, everyRow), buffer(device, x), out);
                float[] y = read(device, out);
                for (int i = 0; i < single.length; i++) {
                    assertTrue(single[i] == 0 || single[i] == y[i], dtype + " alone and in a batch");
                }
            }
        }
    }

    private static double[] expert(
            KernelChoice choice, WeightMatrix gate, WeightMatrix up, WeightMatrix down, float[] x) {
        double[] activations = TestWeights.activations(choice, gate.dtype(), x);
        float[] gates = TestWeights.decoded(gate);
        float[] ups = TestWeights.decoded(up);
        float[] downs = TestWeights.decoded(down);
        float[] hidden = new float[gate.rows()];
        for (int row = 0; row < hidden.length; row++) {
            double g = 0;
            double u = 0;
            for (int k = 0; k < gate.cols(); k++) {
                g += gates[row * gate.cols() + k] * activations[k];
                u += ups[row * up.cols() + k] * activations[k];
            }
            hidden[row] = (float) (g / (1 + Math.exp(-g)) * u);
        }
        double[] inner = TestWeights.activations(choice, down.dtype(), hidden);
        double[] out = new double[down.rows()];
        for (int row = 0; row < out.length; row++) {
            for (int k = 0; k < inner.length; k++) {
                out[row] += downs[row * inner.length + k] * inner[k];
            }
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void attendsToWhatAQueryMaySee(KernelChoice choice) {
        int[][] cases = {
            // heads, kv heads, head dimension, window, positions before, tokens
            {4, 2, 64, 0, 0, 1},
            {4, 4, 16, 0, 0, 33},
            {8, 2, 128, 0, 300, 3},
            {4, 1, 24, 20, 250, 40},
            {2, 2, 7, 1, 3, 5},
            {6, 3, 96, 256, 600, 2},
            {2, 2, 32, 9, 120, 30},
            {3, 3, 40, 0, 0, 300},
            {1, 1, 80, 0, 511, 2},
            {8, 2, 128, 0, 800, 1},
            {3, 1, 20, 0, 530, 1},
            {4, 4, 7, 300, 700, 1}
        };
        for (int[] c : cases) {
            AttentionShape shape = new AttentionShape(c[0], c[1], c[2], 0.3f, c[3]);
            for (KvType type : KvType.values()) {
                attends(choice, type, shape, c[4], c[5]);
            }
            attends(choice, KvType.F32, shape.withSinks(sinks(c[0])), c[4], c[5]);
            attends(choice, KvType.F32, shape.withTiledHeads(), c[4], c[5]);
            AttentionShape whole = new AttentionShape(c[0], c[1], c[2], 0.3f, 0);
            attends(choice, KvType.F16, whole.withChunk(1 + c[3]), c[4], c[5]);
            attends(choice, KvType.F32, whole.withChunk(130).withSinks(sinks(c[0])), c[4], c[5]);
        }
    }

    private AttentionSinks sinks(int numHeads) {
        float[] logits = TestWeights.floats(numHeads, random);
        for (int head = 0; head < numHeads; head++) {
            logits[head] *= 5;
        }
        return new AttentionSinks(logits);
    }

    private void attends(KernelChoice choice, KvType type, AttentionShape shape, int before, int n) {
        int kvCols = shape.numKvHeads() * shape.headDim();
        int cols = shape.numHeads() * shape.headDim();
        float[] k = TestWeights.floats((before + n) * kvCols, random);
        float[] v = TestWeights.floats((before + n) * kvCols, random);
        float[] q = TestWeights.floats(n * cols, random);
        KvLayer cache = new KvLayer(arena, type, before + n, shape.numKvHeads(), shape.headDim());
        try (CpuDevice device = device(choice)) {
            Kernels kernels = device.kernels();
            if (before > 0) {
                kernels.storeKv(buffer(device, k), buffer(device, v), before, 0, cache);
            }
            float[] lastK = Arrays.copyOfRange(k, before * kvCols, k.length);
            float[] lastV = Arrays.copyOfRange(v, before * kvCols, v.length);
            kernels.storeKv(buffer(device, lastK), buffer(device, lastV), n, before, cache);
            DeviceBuffer out = device.allocate(n * cols);
            kernels.attention(buffer(device, q), n, before, shape, cache, out);
            float[] y = read(device, out);
            for (int i = 0; i < n; i++) {
                for (int head = 0; head < shape.numHeads(); head++) {
                    int at = i * cols + head * shape.headDim();
                    double[] expected = attended(shape, q, at, cache, head, before + i);
                    for (int d = 0; d < shape.headDim(); d++) {
                        // scores near ten are off by 1e-6, and so is the exponential of them
                        assertEquals(
                                expected[d],
                                y[at + d],
                                1e-5,
                                SEED + ": " + type + ", " + shape + " at " + (before + i));
                    }
                }
            }
        }
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
                    cache.store(i / 2, i % 2, kv, v, i * headDim);
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

    private static double[] attended(AttentionShape shape, float[] q, int at, KvLayer cache, int head, int position) {
        int kvHead = shape.tiledHeads() ? head % shape.numKvHeads() : head * shape.numKvHeads() / shape.numHeads();
        double[] out = new double[shape.headDim()];
        AttentionSinks sinks = shape.sinks();
        double total = sinks == null ? 0 : Math.exp(sinks.logit(head));
        for (int j = 0; j <= position; j++) {
            boolean isInWindow = shape.slidingWindow() == 0 || j > position - shape.slidingWindow();
            if (isInWindow && (shape.chunk() == 0 || j / shape.chunk() == position / shape.chunk())) {
                double score = 0;
                for (int d = 0; d < shape.headDim(); d++) {
                    score += (double) q[at + d] * cache.key(kvHead, j, d);
                }
                double weight = Math.exp(score * shape.scale());
                total += weight;
                for (int d = 0; d < shape.headDim(); d++) {
                    out[d] += weight * cache.value(kvHead, j, d);
                }
            }
        }
        for (int d = 0; d < out.length; d++) {
            out[d] /= total;
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void normalisesRows(KernelChoice choice) {
        for (int cols : new int[] {1, 7, 32, 64, 96, 131, 2048}) {
            float[] x = TestWeights.floats(9 * cols, random);
            float[] weight = TestWeights.floats(cols, random);
            try (CpuDevice device = device(choice)) {
                DeviceBuffer inPlace = buffer(device, x);
                device.kernels().rmsNorm(inPlace, 9, cols, weight, 1e-5f, inPlace);
                float[] y = read(device, inPlace);
                for (int row = 0; row < 9; row++) {
                    double sum = 0;
                    for (int i = 0; i < cols; i++) {
                        sum += (double) x[row * cols + i] * x[row * cols + i];
                    }
                    for (int i = 0; i < cols; i++) {
                        double expected = x[row * cols + i] / Math.sqrt(sum / cols + 1e-5f) * weight[i];
                        // a positive sum: its relative error is that of its longest chain of additions
                        double steps = cols / 16.0 + 8;
                        assertEquals(expected, y[row * cols + i], steps * ULP * Math.abs(expected));
                    }
                }
            }
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
                int first = KvLayer.CHUNK_POSITIONS - 19;
                float[] k = TestWeights.floats(40 * 3 * headDim, random);
                float[] v = TestWeights.floats(k.length, random);
                System.arraycopy(special, 0, k, 8 * headDim, Math.min(headDim, special.length));
                System.arraycopy(special, 0, v, 9 * headDim, Math.min(headDim, special.length));
                KvLayer expected = new KvLayer(arena, type, first + 40, 3, headDim);
                expected.reserve(first + 40);
                for (int i = 0; i < 40 * 3; i++) {
                    expected.store(first + i / 3, i % 3, k, v, i * headDim);
                }
                KvLayer found = new KvLayer(arena, type, first + 40, 3, headDim);
                try (CpuDevice device = device(choice)) {
                    Kernels kernels = device.kernels();
                    int alone = 3 * headDim;
                    kernels.storeKv(buffer(device, k), buffer(device, v), 1, first, found);
                    kernels.storeKv(
                            buffer(device, Arrays.copyOfRange(k, alone, k.length)),
                            buffer(device, Arrays.copyOfRange(v, alone, v.length)),
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

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void doesTheSimpleOperations(KernelChoice choice) {
        try (CpuDevice device = device(choice)) {
            Kernels kernels = device.kernels();
            DeviceBuffer x = buffer(device, new float[] {1, 2, 3, -4, -5, 60});
            kernels.addBias(x, 2, 3, new float[] {10, 20, 30});
            assertArrayEquals(new float[] {11, 22, 33, 6, 15, 90}, read(device, x));
            kernels.clamp(x, 5, 20);
            assertArrayEquals(new float[] {11, 20, 20, 6, 15, 90}, read(device, x));
            kernels.add(x, buffer(device, new float[] {1, 1, 1, 1, 1, 1}), 4);
            assertArrayEquals(new float[] {12, 21, 21, 7, 15, 90}, read(device, x));
            DeviceBuffer sum = device.allocate(4);
            DeviceBuffer experts = buffer(device, new float[] {1, 2, 10, 20, 3, 4, 30, 40});
            kernels.weightedSum(experts, new float[] {0.5f, 2, 1, -1}, 2, 2, 2, sum);
            assertArrayEquals(new float[] {20.5f, 41, -27, -36}, read(device, sum));
            DeviceBuffer logits = buffer(device, new float[] {0, 100});
            kernels.addRows(buffer(device, new float[] {9, 9, 2, 4, 6, 8}), 1, logits, 2, 2, sum);
            assertArrayEquals(new float[] {21.5f, 43, -21, -28}, read(device, sum));
        }
    }

    @Test
    void scalesRows() {
        try (CpuDevice device = device(KernelChoice.AUTO)) {
            DeviceBuffer x = buffer(device, new float[] {1, 2, 3, 10, 20, 30});
            DeviceBuffer out = buffer(device, new float[13]);
            device.kernels().scaleRows(x, new float[] {2, -1, 0, 0.5f, 9}, 2, 2, 3, out);
            assertArrayEquals(new float[] {2, 4, 6, -1, -2, -3, 0, 0, 0, 5, 10, 15, 0}, read(device, out));
            device.kernels().scaleRows(x, new float[] {3, 2}, 2, 1, 3, x);
            assertArrayEquals(new float[] {3, 6, 9, 20, 40, 60}, read(device, x));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> device.kernels().scaleRows(x, new float[] {1, 1, 1, 1, 1, 1}, 2, 3, 3, out));
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void multipliesChosenRowsToChosenPlaces(KernelChoice choice) {
        for (DType dtype : List.of(DType.F32, DType.Q8_0, DType.MXFP4)) {
            WeightMatrix w = TestWeights.matrix(arena, dtype, 20, 64, random);
            float[] x = TestWeights.floats(6 * 64, random);
            float[] all = product(1, choice, w, x, 6);
            try (CpuDevice device = device(choice)) {
                DeviceBuffer out = device.allocate(4 * 20);
                int[] rows = {9, 5, 0, 5, 9};
                int[] outRows = {9, 3, 0, 1, 9};
                device.kernels().matmulRows(w, buffer(device, x), rows, 1, 3, out, outRows);
                float[] y = read(device, out);
                assertArrayEquals(Arrays.copyOfRange(all, 100, 120), Arrays.copyOfRange(y, 60, 80), dtype.label());
                assertArrayEquals(Arrays.copyOfRange(all, 0, 20), Arrays.copyOfRange(y, 0, 20), dtype.label());
                assertArrayEquals(Arrays.copyOfRange(all, 100, 120), Arrays.copyOfRange(y, 20, 40), dtype.label());
                assertArrayEquals(new float[20], Arrays.copyOfRange(y, 40, 60), "no row goes there");
            }
        }
    }

    @Test
    void weightedSumAddsItsRowsInTheirOrder() {
        int cols = 1100;
        for (int k = 1; k <= 6; k++) {
            float[] rows = TestWeights.floats(3 * k * cols, random);
            float[] weights = TestWeights.floats(3 * k, random);
            for (int i = 0; i < weights.length; i++) {
                weights[i] = random.nextInt(3) == 0 ? 0 : weights[i];
            }
            try (CpuDevice device = device(KernelChoice.PLAIN)) {
                DeviceBuffer sum = device.allocate(3 * cols);
                device.kernels().weightedSum(buffer(device, rows), weights, 3, k, cols, sum);
                float[] y = read(device, sum);
                for (int i = 0; i < y.length; i++) {
                    float expected = 0;
                    for (int j = 0; j < k; j++) {
                        int input = i / cols * k + j;
                        expected += weights[input] * rows[input * cols + i % cols];
                    }
                    assertEquals(expected, y[i], SEED + ": element " + i + " of " + k);
                }
            }
        }
    }

    @Test
    void weightedSumReadsNoRowOfWeightZero() {
        try (CpuDevice device = device(KernelChoice.AUTO)) {
            float nan = Float.NaN;
            DeviceBuffer experts = buffer(device, new float[] {nan, nan, 3, 4, nan, nan, nan, nan, 1, 2, nan, nan});
            DeviceBuffer sum = buffer(device, new float[] {9, 9, 9, 9, 9, 9});
            device.kernels().weightedSum(experts, new float[] {0, 2, 0, 0, 3, 0}, 3, 2, 2, sum);
            assertArrayEquals(new float[] {6, 8, 0, 0, 3, 6}, read(device, sum));
        }
    }

    @Test
    void embedsRowsOfTheTable() {
        WeightMatrix table = TestWeights.matrix(arena, DType.BF16, 50, 33, random);
        try (CpuDevice device = device(KernelChoice.AUTO)) {
            DeviceBuffer out = device.allocate(2 * 33);
            device.kernels().embed(table, new int[] {9, 49, 3}, 1, 2, out);
            float[] y = read(device, out);
            for (int k = 0; k < 33; k++) {
                assertEquals(table.get(49, k), y[k]);
                assertEquals(table.get(3, k), y[33 + k]);
            }
        }
    }

    @Test
    void rotatesHalves() {
        float[] x = TestWeights.floats(3 * 2 * 8, random);
        RopeTable table = RopeTable.of(8, 10000, false, Optional.empty());
        try (CpuDevice device = device(KernelChoice.AUTO)) {
            DeviceBuffer buffer = buffer(device, x);
            device.kernels().rope(buffer, 3, 2, 8, 0, 100, table);
            float[] y = read(device, buffer);
            for (int head = 0; head < 6; head++) {
                for (int i = 0; i < 4; i++) {
                    double angle = (100 + head / 2) * Math.pow(10000, -i / 4.0);
                    double a = x[head * 8 + i];
                    double b = x[head * 8 + 4 + i];
                    assertEquals(a * Math.cos(angle) - b * Math.sin(angle), y[head * 8 + i], 1e-6);
                    assertEquals(b * Math.cos(angle) + a * Math.sin(angle), y[head * 8 + 4 + i], 1e-6);
                }
            }
        }
    }

    @Test
    void choosesTheLikeliestAndTheLowerIdOfATie() {
        try (CpuDevice device = device(KernelChoice.AUTO)) {
            DeviceBuffer logits = buffer(device, new float[] {1, 3, 2, 3, 0, 0, 0, 0});
            int[] ids = new int[6];
            float[] weights = new float[6];
            device.kernels().route(logits, 2, Routing.softmax(4, 3), null, ids, weights);
            assertArrayEquals(new int[] {1, 3, 2, 0, 1, 2}, ids);
            double sum = 2 * Math.exp(3) + Math.exp(2) + Math.exp(1);
            assertEquals(Math.exp(3) / sum, weights[0], ULP);
            assertEquals(Math.exp(2) / sum, weights[2], ULP);
            assertEquals(0.25f, weights[5]);
            device.kernels().route(logits, 2, Routing.softmax(4, 2).normalised(Normalisation.SUM), null, ids, weights);
            assertArrayEquals(new int[] {1, 3, 0, 1}, Arrays.copyOf(ids, 4));
            assertEquals(0.5f, weights[0], 2 * ULP);
            assertEquals(0.5f, weights[3], 2 * ULP);
        }
    }

    @Test
    void refusesSizesThatDoNotFit() {
        WeightMatrix w = TestWeights.matrix(arena, DType.F32, 16, 32, random);
        try (CpuDevice device = device(KernelChoice.AUTO)) {
            DeviceBuffer x = device.allocate(32);
            DeviceBuffer small = device.allocate(15);
            IllegalArgumentException thrown = assertThrows(
                    IllegalArgumentException.class, () -> device.kernels().matmul(w, x, 1, small));
            assertEquals("the buffer holds 15 floats, but 16 are needed", thrown.getMessage());
            KvLayer cache = new KvLayer(arena, KvType.F16, 4, 1, 8);
            assertThrows(IllegalArgumentException.class, () -> device.kernels().storeKv(x, x, 1, 4, cache));
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
            for (DType dtype : TestWeights.TYPES) {
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
