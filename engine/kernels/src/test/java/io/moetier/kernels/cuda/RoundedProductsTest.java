package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Quantised matrices times many rows, which are rounded.
///
/// Tolerance: what a block of 32 adds up to is exact in integers. It is then turned into a float, multiplied by two
/// scales, one of which is a product itself, and added to what the blocks before came to: each of these is off by 2^-24
/// of the sum of absolute terms at most.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoundedProductsTest {
    private static final long SEED = 4711;
    private static final double ULP = 0x1p-24;
    private static final int BLOCK = 32;
    private static final int[][] SHAPES = {{16, 32}, {33, 96}, {70, 544}, {1, 256}, {130, 768}};
    private static final int[] COLUMNS = {8, 17, 33};

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair(EmulatedOptions.DEFAULT, ActivationType.Q8);

    @AfterAll
    void close() {
        devices.close();
    }

    private static boolean isRounded(DType dtype) {
        return ActivationType.Q8.rounds(dtype, ActivationType.LEAST_ROWS);
    }

    private interface Shaped {
        void check(DType dtype, int rows, int cols, int n);
    }

    private static void forEveryShape(DType dtype, Shaped test) {
        for (int[] shape : SHAPES) {
            if (shape[1] % dtype.blockElements() == 0) {
                for (int n : COLUMNS) {
                    test.check(dtype, shape[0], shape[1], n);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void multipliesRoundedRowsOfEveryShape(DType dtype) {
        forEveryShape(dtype, this::multiplies);
    }

    private void multiplies(DType dtype, int rows, int cols, int n) {
        WeightMatrix w = RandomWeights.matrix(dtype, rows, cols, random);
        float[] x = inputs(n * cols);
        float[] found = devices.onCuda(product(w, x, n));
        double[] rounded = isRounded(dtype) ? rounded(x, digits(dtype)) : doubles(x);
        double tolerance = (cols / BLOCK + 16) * ULP;
        float[] row = new float[cols];
        RowDecoder decoder = new RowDecoder();
        for (int r = 0; r < rows; r++) {
            decoder.decode(w, r, row, 0);
            for (int i = 0; i < n; i++) {
                double sum = 0;
                double size = 0;
                for (int k = 0; k < cols; k++) {
                    sum += row[k] * rounded[i * cols + k];
                    size += Math.abs(row[k] * rounded[i * cols + k]);
                }
                // the offsets of a block are added after its products, each of which may be larger than the sum
                double terms = Math.max(size, blockTerms(row, rounded, i * cols));
                String where = SEED + ": " + dtype + " " + rows + " x " + cols + " x " + n + " at " + i + ", " + r;
                assertEquals(sum, found[i * rows + r], tolerance * terms, where);
            }
        }
    }

    private static double blockTerms(float[] row, double[] x, int at) {
        double terms = 0;
        for (int k = 0; k < row.length; k += BLOCK) {
            double largestWeight = 0;
            double sum = 0;
            for (int i = k; i < Math.min(k + BLOCK, row.length); i++) {
                largestWeight = Math.max(largestWeight, Math.abs(row[i]));
                sum += Math.abs(x[at + i]);
            }
            terms += 2 * largestWeight * sum;
        }
        return terms;
    }

    private static int digits(DType dtype) {
        return dtype == DType.MXFP4 ? 3 : 1;
    }

    /// Activations of which some blocks are zero, tiny or much larger than others.
    private float[] inputs(int length) {
        float[] x = floats(length, random);
        for (int k = 0; k < length; k++) {
            int block = k / BLOCK % 7;
            x[k] *= block == 3 ? 0f : block == 4 ? 1e-37f : block == 5 ? 1000f : 1f;
        }
        return x;
    }

    private static double[] doubles(float[] x) {
        double[] doubles = new double[x.length];
        Arrays.setAll(doubles, i -> x[i]);
        return doubles;
    }

    /// What activations are once they are rounded, by the rule: whole numbers of up to 127 times a scale for each 32,
    /// and of what they leave 254ths of that.
    private static double[] rounded(float[] x, int digits) {
        double[] rounded = new double[x.length];
        for (int k = 0; k < x.length; k += BLOCK) {
            float largest = 0;
            for (int i = k; i < k + BLOCK; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            if (largest < 1e-35f) {
                continue;
            }
            float factor = 127 / largest;
            float scale = largest / 127;
            for (int i = k; i < k + BLOCK; i++) {
                double rest = (double) x[i] * factor;
                double unit = scale;
                for (int digit = 0; digit < digits; digit++) {
                    double number = Math.rint(rest);
                    rounded[i] += number * unit;
                    rest = (float) (rest - number) * 254.0;
                    unit *= 1.0f / 254;
                }
            }
        }
        return rounded;
    }

    private static DevicePair.Work product(WeightMatrix w, float[] x, int n) {
        return (device, arena) -> {
            DeviceBuffer out = device.allocate(n * w.rows(), arena);
            device.kernels().matmul(device.hold(w, arena), buffer(device, arena, x), n, out);
            return out;
        };
    }

    /// Both add the same floats in the same order.
    @ParameterizedTest
    @EnumSource(DType.class)
    void givesTheBitsOfTheNativeKernels(DType dtype) {
        try (Device cpu = CpuDevice.open(1, KernelChoice.NATIVE)) {
            if (isRounded(dtype)) {
                forEveryShape(dtype, (type, rows, cols, n) -> {
                    WeightMatrix w = RandomWeights.matrix(type, rows, cols, random);
                    DevicePair.Work work = product(w, inputs(n * cols), n);
                    assertArrayEquals(DevicePair.on(cpu, work), devices.onCuda(work), SEED + ": " + type);
                });
            }
        } catch (IllegalArgumentException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("native"), "there are none here");
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void aRowGivesTheSameBitsInEveryBatchOfManyRows(DType dtype) {
        int rows = 40;
        int cols = 768;
        int most = 40;
        WeightMatrix w = RandomWeights.matrix(dtype, rows, cols, random);
        float[] x = inputs(most * cols);
        float[] together = devices.onCuda(product(w, x, most));
        for (int n : new int[] {8, 19}) {
            float[] some = devices.onCuda(product(w, Arrays.copyOf(x, n * cols), n));
            assertArrayEquals(Arrays.copyOf(together, n * rows), some, SEED + ": " + n + " rows");
        }
    }

    /// Fewer rows are not rounded, as a row alone is not.
    @ParameterizedTest
    @EnumSource(DType.class)
    void fewRowsGiveTheBitsOfEachAlone(DType dtype) {
        int rows = 20;
        int cols = 512;
        int n = ActivationType.LEAST_ROWS - 1;
        WeightMatrix w = RandomWeights.matrix(dtype, rows, cols, random);
        float[] x = floats(n * cols, random);
        float[] few = devices.onCuda(product(w, x, n));
        for (int i = 0; i < n; i++) {
            float[] alone = devices.onCuda(product(w, Arrays.copyOfRange(x, i * cols, (i + 1) * cols), 1));
            assertArrayEquals(alone, Arrays.copyOfRange(few, i * rows, (i + 1) * rows), SEED + ": row " + i);
        }
    }

    /// Of one type, of two that read the same rounded rows, of one that reads three digits, and of floats.
    @Test
    void multipliesSeveralMatrices() {
        int n = 9;
        WeightMatrix[] ws = {
            RandomWeights.matrix(DType.Q4_K, 40, 256, random),
            RandomWeights.matrix(DType.Q6_K, 7, 256, random),
            RandomWeights.matrix(DType.Q4_K, 64, 256, random),
            RandomWeights.matrix(DType.MXFP4, 33, 256, random),
            RandomWeights.matrix(DType.BF16, 12, 256, random)
        };
        float[] x = floats(n * 256, random);
        for (int i = 0; i < ws.length; i++) {
            int wanted = i;
            float[] together = devices.onCuda((device, arena) -> {
                DeviceBuffer[] outs = Arrays.stream(ws)
                        .map(w -> device.allocate(n * w.rows(), arena))
                        .toArray(DeviceBuffer[]::new);
                WeightMatrix[] held =
                        Arrays.stream(ws).map(w -> device.hold(w, arena)).toArray(WeightMatrix[]::new);
                device.kernels().matmul(held, buffer(device, arena, x), n, outs);
                return outs[wanted];
            });
            assertArrayEquals(devices.onCuda(product(ws[i], x, n)), together, SEED + ": matrix " + i);
        }
    }

    /// Rows of a list, and the heads of rows, are rounded as rows by themselves; heads that are no whole blocks are not
    /// rounded.
    @Test
    void multipliesListedRowsAndHeads() {
        int n = 10;
        WeightMatrix w = RandomWeights.matrix(DType.Q4_0, 30, 64, random);
        float[] x = floats(n * 64, random);
        int[] rows = {9, 0, 8, 3, 3, 1, 7, 2, 6, 5};
        int[] outRows = {0, 4, 9, 2, 5, 1, 3, 6, 8, 7};
        float[] found = devices.onCuda((device, arena) -> {
            DeviceBuffer out = device.allocate(n * 30, arena);
            device.kernels().matmulRows(device.hold(w, arena), buffer(device, arena, x), rows, 1, 9, out, outRows);
            return out;
        });
        float[] all = devices.onCuda(product(w, x, n));
        for (int i = 1; i < n; i++) {
            float[] expected = Arrays.copyOfRange(all, rows[i] * 30, (rows[i] + 1) * 30);
            float[] row = Arrays.copyOfRange(found, outRows[i] * 30, (outRows[i] + 1) * 30);
            assertArrayEquals(expected, row, SEED + ": row " + i);
        }
        WeightMatrix[] heads = {w, RandomWeights.matrix(DType.Q4_0, 30, 64, random)};
        multipliesHeads(heads, 96, n);
        multipliesHeads(heads, 100, n);
    }

    private void multipliesHeads(WeightMatrix[] ws, int headDim, int n) {
        float[] x = floats(n * ws.length * headDim, random);
        float[] found = devices.onCuda((device, arena) -> {
            DeviceBuffer out = device.allocate(n * ws.length * 30, arena);
            WeightMatrix[] held =
                    Arrays.stream(ws).map(w -> device.hold(w, arena)).toArray(WeightMatrix[]::new);
            device.kernels().matmulPerHead(held, buffer(device, arena, x), n, headDim, out);
            return out;
        });
        for (int h = 0; h < ws.length; h++) {
            float[] own = new float[n * 64];
            for (int i = 0; i < n; i++) {
                System.arraycopy(x, (i * ws.length + h) * headDim, own, i * 64, 64);
            }
            DevicePair.Work work = product(ws[h], own, n);
            float[] expected = headDim % BLOCK == 0 ? devices.onCuda(work) : devices.onCpu(work);
            for (int i = 0; i < n; i++) {
                float[] wanted = Arrays.copyOfRange(expected, i * 30, (i + 1) * 30);
                int at = (i * ws.length + h) * 30;
                // exactly, or within float32 sums of 64 terms
                assertArrayEquals(
                        wanted, Arrays.copyOfRange(found, at, at + 30), headDim % BLOCK == 0 ? 0 : 1e-4f, "head " + h);
            }
        }
    }

    @Test
    void anInputThatIsNoNumberIsSeenInEveryResult() {
        WeightMatrix w = RandomWeights.matrix(DType.Q8_0, 16, 64, random);
        float[] x = floats(8 * 64, random);
        x[3 * 64 + 40] = Float.NaN;
        float[] found = devices.onCuda(product(w, x, 8));
        for (int i = 0; i < found.length; i++) {
            assertEquals(i / 16 == 3, Float.isNaN(found[i]), "at " + i);
        }
    }

    /// A check of the test's own reference: what is rounded to three digits is nearly what it was.
    @Test
    void threeDigitsAreNearlyFloats() {
        float[] x = floats(64, random);
        double[] three = rounded(x, 3);
        double[] one = rounded(x, 1);
        Optional<Integer> worse = Optional.empty();
        for (int i = 0; i < x.length; i++) {
            assertEquals(x[i], three[i], 4 * ULP * 4);
            worse = Math.abs(x[i] - one[i]) > 1e-3 ? Optional.of(i) : worse;
        }
        assertTrue(worse.isPresent());
    }
}
