package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import io.moetier.testdata.WarmCode;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The operations of latent attention against loops in double.
class LatentKernelsTest {
    private static final long SEED = 4712;
    private static final double ULP = 0x1p-24;

    private final Random random = new Random(SEED);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
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
    void aMatrixForEachHeadReadsTheBeginningOfTheHead(KernelChoice choice) {
        for (DType dtype : TestWeights.types(choice)) {
            int cols = Math.max(64, dtype.blockElements());
            for (int n : new int[] {1, 3, 40}) {
                multipliesPerHead(choice, dtype, 24, cols, cols + 8, n);
            }
        }
    }

    private void multipliesPerHead(KernelChoice choice, DType dtype, int rows, int cols, int headDim, int n) {
        int heads = 5;
        WeightMatrix[] ws = IntStream.range(0, heads)
                .mapToObj(h -> TestWeights.matrix(arena, dtype, rows, cols, random))
                .toArray(WeightMatrix[]::new);
        float[] x = TestWeights.floats(n * heads * headDim, random);
        try (CpuDevice device = CpuDevice.open(2, choice)) {
            DeviceBuffer out = device.allocate(n * heads * rows);
            device.kernels().matmulPerHead(ws, buffer(device, x), n, headDim, out);
            float[] y = read(device, out);
            for (int h = 0; h < heads; h++) {
                float[] weights = TestWeights.decoded(ws[h]);
                for (int i = 0; i < n; i++) {
                    int at = (i * heads + h) * headDim;
                    double[] column = TestWeights.activations(choice, dtype, Arrays.copyOfRange(x, at, at + cols));
                    for (int row = 0; row < rows; row++) {
                        double sum = 0;
                        double size = 0;
                        for (int k = 0; k < cols; k++) {
                            double term = weights[row * cols + k] * column[k];
                            sum += term;
                            size += Math.abs(term);
                        }
                        // as many roundings as there are terms, at most
                        assertEquals(sum, y[(i * heads + h) * rows + row], cols * ULP * size, SEED + ": " + dtype);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void everyHeadAttendsToTheLatentsUpToItsToken(KernelChoice choice) {
        int[][] cases = {
            // heads, not rotated, rotated, latent, positions before, tokens
            {4, 16, 8, 32, 0, 1},
            {16, 8, 16, 64, 0, 33},
            {20, 4, 6, 41, 250, 40},
            {1, 1, 2, 3, 3, 5},
            {33, 2, 8, 24, 600, 2},
            {128, 128, 64, 512, 30, 2}
        };
        for (int[] c : cases) {
            LatentShape shape = new LatentShape(c[0], c[1], c[2], c[3], 0.05f);
            for (KvType type : KvType.values()) {
                attends(choice, type, shape, c[4], c[5]);
            }
        }
    }

    private void attends(KernelChoice choice, KvType type, LatentShape shape, int before, int n) {
        int latentDim = shape.latentDim();
        float[] latents = TestWeights.floats((before + n) * latentDim, random);
        float[] keys = TestWeights.floats((before + n) * shape.ropeDim(), random);
        float[] absorbed = TestWeights.floats(n * shape.numHeads() * latentDim, random);
        float[] q = TestWeights.floats(n * shape.numHeads() * shape.queryDim(), random);
        LatentLayer cache = new LatentLayer(arena, type, before + n, latentDim, shape.ropeDim());
        try (CpuDevice device = CpuDevice.open(2, choice)) {
            Kernels kernels = device.kernels();
            kernels.storeLatents(buffer(device, latents), buffer(device, keys), before + n, 0, cache);
            DeviceBuffer inPlace = buffer(device, absorbed);
            kernels.latentAttention(inPlace, buffer(device, q), n, before, shape, cache, inPlace);
            float[] y = read(device, inPlace);
            for (int row = 0; row < n * shape.numHeads(); row++) {
                int position = before + row / shape.numHeads();
                double[] expected = attended(shape, absorbed, q, row, cache, position);
                for (int d = 0; d < latentDim; d++) {
                    // scores near ten are off by 1e-6, and so is the exponential of them
                    assertEquals(
                            expected[d],
                            y[row * latentDim + d],
                            2e-5,
                            SEED + ": " + type + ", " + shape + " at " + position);
                }
            }
        }
    }

    private static double[] attended(
            LatentShape shape, float[] absorbed, float[] q, int row, LatentLayer cache, int position) {
        int latentDim = shape.latentDim();
        double[] out = new double[latentDim];
        double total = 0;
        for (int j = 0; j <= position; j++) {
            double score = 0;
            for (int d = 0; d < latentDim; d++) {
                score += (double) absorbed[row * latentDim + d] * cache.element(j, d);
            }
            for (int d = 0; d < shape.ropeDim(); d++) {
                score += (double) q[row * shape.queryDim() + shape.nopeDim() + d] * cache.element(j, latentDim + d);
            }
            double weight = Math.exp(score * shape.scale());
            total += weight;
            for (int d = 0; d < latentDim; d++) {
                out[d] += weight * cache.element(j, d);
            }
        }
        for (int d = 0; d < latentDim; d++) {
            out[d] /= total;
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aTokenAttendsWithTheSameBitsInEveryBatchAndOnEveryNumberOfThreads(KernelChoice choice) {
        int before = 301;
        int n = 37;
        for (KvType type : KvType.values()) {
            LatentShape shape = new LatentShape(20, 4, 8, 44, 0.1f);
            LatentLayer cache = new LatentLayer(arena, type, before + n, 44, 8);
            cache.reserve(before + n);
            for (int position = 0; position < before + n; position++) {
                cache.store(position, TestWeights.floats(44, random), 0, TestWeights.floats(8, random), 0);
            }
            float[] absorbed = TestWeights.floats(n * 20 * 44, random);
            float[] q = TestWeights.floats(n * 20 * 12, random);
            float[] expected = attention(5, choice, absorbed, q, n, before, shape, cache);
            assertArrayEquals(expected, attention(1, choice, absorbed, q, n, before, shape, cache));
            for (int i = 0; i < n; i++) {
                float[] row = Arrays.copyOfRange(absorbed, i * 20 * 44, (i + 1) * 20 * 44);
                float[] rowQ = Arrays.copyOfRange(q, i * 20 * 12, (i + 1) * 20 * 12);
                assertArrayEquals(
                        Arrays.copyOfRange(expected, i * 20 * 44, (i + 1) * 20 * 44),
                        attention(1 + i % 5, choice, row, rowQ, 1, before + i, shape, cache));
            }
        }
    }

    private static float[] attention(
            int threads,
            KernelChoice choice,
            float[] absorbed,
            float[] q,
            int n,
            int first,
            LatentShape shape,
            LatentLayer cache) {
        try (CpuDevice device = CpuDevice.open(threads, choice)) {
            DeviceBuffer out = device.allocate(absorbed.length);
            device.kernels().latentAttention(buffer(device, absorbed), buffer(device, q), n, first, shape, cache, out);
            return read(device, out);
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aDecodedTokenAllocatesNothing(KernelChoice choice) {
        LatentShape shape = new LatentShape(4, 32, 8, 64, 0.1f);
        WeightMatrix[] absorb = IntStream.range(0, 4)
                .mapToObj(h -> TestWeights.matrix(arena, DType.BF16, 64, 32, random))
                .toArray(WeightMatrix[]::new);
        LatentLayer cache = new LatentLayer(arena, KvType.F16, 400, 64, 8);
        cache.reserve(400);
        try (CpuDevice device = CpuDevice.open(1, choice)) {
            Kernels kernels = device.kernels();
            DeviceBuffer q = buffer(device, TestWeights.floats(4 * 40, random));
            DeviceBuffer latent = buffer(device, TestWeights.floats(64, random));
            DeviceBuffer key = buffer(device, TestWeights.floats(8, random));
            DeviceBuffer absorbed = device.allocate(4 * 64);
            long allocated = WarmCode.allocated(0, () -> {
                for (int position = 0; position < 400; position++) {
                    kernels.storeLatents(latent, key, 1, position, cache);
                    kernels.matmulPerHead(absorb, q, 1, 40, absorbed);
                    kernels.latentAttention(absorbed, q, 1, position, shape, cache, absorbed);
                }
            });
            assertEquals(0, allocated);
        }
    }

    @Test
    void rowsAreCopiedToWhereTheyAreWanted() {
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN)) {
            DeviceBuffer out = device.allocate(8);
            device.kernels()
                    .copyRows(
                            buffer(device, new float[] {1, 2, 3, 4, 5, 6}),
                            new int[] {9, 2, 0},
                            new int[] {9, 3, 1},
                            1,
                            2,
                            2,
                            out);
            assertArrayEquals(new float[] {0, 0, 1, 2, 0, 0, 5, 6}, read(device, out));
        }
    }

    @Test
    void whatDoesNotFitTogetherIsRefused() {
        LatentLayer cache = new LatentLayer(arena, KvType.F16, 10, 64, 8);
        LatentShape shape = new LatentShape(2, 4, 16, 64, 1f);
        WeightMatrix[] ws = {TestWeights.matrix(arena, DType.F32, 16, 32, random)};
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN)) {
            DeviceBuffer x = device.allocate(1000);
            Kernels kernels = device.kernels();
            assertThrows(IllegalArgumentException.class, () -> kernels.latentAttention(x, x, 1, 0, shape, cache, x));
            assertThrows(IllegalArgumentException.class, () -> kernels.storeLatents(x, x, 1, 10, cache));
            assertThrows(IllegalArgumentException.class, () -> kernels.matmulPerHead(ws, x, 1, 31, x));
            assertThrows(IllegalStateException.class, () -> cache.element(0, 0));
        }
    }

    @Test
    void aPositionTakesWhatItsLatentAndItsKeyTake() {
        assertEquals(2 * (512 + 64), LatentLayer.bytesPerPosition(KvType.F16, 512, 64));
        LatentLayer cache = new LatentLayer(arena, KvType.F32, 300, 512, 64);
        cache.reserve(257);
        assertEquals(2L * LatentLayer.CHUNK_POSITIONS * 4 * (512 + 64), cache.allocatedBytes());
    }
}
