package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Matrices times rows, and rows of embeddings.
///
/// Tolerance: weights are the same floats as the plain kernels', which sum in double. A term of the device goes through
/// the additions of its lane, at most one for every 32nd column and those of a quad, of three shuffles and of eight
/// warps, each off by 2^-24 of the sum of absolute terms at most.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProductsTest {
    private static final long SEED = 4711;
    private static final double ULP = 0x1p-24;
    private static final int[][] SHAPES = {
        {16, 32}, {33, 96}, {5, 33}, {70, 544}, {24, 12}, {1, 256}, {18, 1280}, {17, 2}
    };
    private static final int[] COLUMNS = {1, 2, 7};

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void multipliesEveryShape(DType dtype) {
        for (int[] shape : SHAPES) {
            if (shape[1] % dtype.blockElements() == 0) {
                for (int n : COLUMNS) {
                    multiplies(dtype, shape[0], shape[1], n);
                }
            }
        }
    }

    private void multiplies(DType dtype, int rows, int cols, int n) {
        WeightMatrix w = RandomMatrix.of(dtype, rows, cols, random);
        float[] x = floats((n + 3) * cols, random);
        DevicePair.Work work = (device, arena) -> {
            DeviceBuffer out = device.allocate((n + 3) * rows, arena);
            device.kernels().matmul(device.hold(w, arena), buffer(device, arena, x), 2, n, out, 1);
            return out;
        };
        float[] expected = devices.onCpu(work);
        float[] found = devices.onCuda(work);
        double steps = cols / 32.0 + 16;
        double[] sizes = sizes(w, x);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = i < rows || i >= (n + 1) * rows ? 0 : steps * ULP * sizes[i + rows];
            String where = SEED + ": " + dtype + " " + rows + " x " + cols + " x " + n + " at " + i;
            assertEquals(expected[i], found[i], tolerance, where);
        }
    }

    /// Returns the sums of absolute terms `[x rows][w rows]`.
    private static double[] sizes(WeightMatrix w, float[] x) {
        float[] row = new float[w.cols()];
        double[] sizes = new double[x.length / w.cols() * w.rows()];
        RowDecoder decoder = new RowDecoder();
        for (int r = 0; r < w.rows(); r++) {
            decoder.decode(w, r, row, 0);
            for (int i = 0; i < x.length; i++) {
                sizes[i / w.cols() * w.rows() + r] += Math.abs((double) row[i % w.cols()] * x[i]);
            }
        }
        return sizes;
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void aRowGivesTheSameBitsInEveryBatch(DType dtype) {
        int rows = 40;
        int cols = 768;
        int n = 6;
        WeightMatrix w = RandomMatrix.of(dtype, rows, cols, random);
        float[] x = floats(n * cols, random);
        float[] together = devices.onCuda((device, arena) -> {
            DeviceBuffer out = device.allocate(n * rows, arena);
            device.kernels().matmul(device.hold(w, arena), buffer(device, arena, x), n, out);
            return out;
        });
        for (int i = 0; i < n; i++) {
            float[] own = Arrays.copyOfRange(x, i * cols, (i + 1) * cols);
            float[] alone = devices.onCuda((device, arena) -> {
                DeviceBuffer out = device.allocate(rows, arena);
                device.kernels().matmul(device.hold(w, arena), buffer(device, arena, own), 1, out);
                return out;
            });
            assertArrayEquals(Arrays.copyOfRange(together, i * rows, (i + 1) * rows), alone, SEED + ": row " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void embedsRowsExactly(DType dtype) {
        int cols = dtype.blockElements() == 1 ? 37 : 512;
        WeightMatrix table = RandomMatrix.of(dtype, 50, cols, random);
        int[] tokens = random.ints(70, 0, 50).toArray();
        for (int n : new int[] {1, 69}) {
            DevicePair.Work work = (device, arena) -> {
                DeviceBuffer out = device.allocate(n * cols, arena);
                device.kernels().embed(device.hold(table, arena), tokens, 1, n, out);
                return out;
            };
            assertArrayEquals(unsigned(devices.onCpu(work)), unsigned(devices.onCuda(work)), SEED + ": " + dtype);
        }
    }

    /// The zero of `MXFP4` has a sign on the device, which no product shows.
    private static float[] unsigned(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] += 0f;
        }
        return values;
    }

    /// The first two are of one type, and computed in one launch.
    @Test
    void multipliesSeveralMatrices() {
        WeightMatrix[] ws = {
            RandomMatrix.of(DType.BF16, 40, 96, random),
            RandomMatrix.of(DType.BF16, 7, 96, random),
            RandomMatrix.of(DType.Q8_0, 64, 96, random)
        };
        float[] x = floats(3 * 96, random);
        for (int i = 0; i < ws.length; i++) {
            int wanted = i;
            // sums of 96 terms of size 1/16
            devices.assertClose(1e-5, SEED + ": matrix " + i, (device, arena) -> {
                DeviceBuffer[] outs = Arrays.stream(ws)
                        .map(w -> device.allocate(3 * w.rows(), arena))
                        .toArray(DeviceBuffer[]::new);
                WeightMatrix[] held =
                        Arrays.stream(ws).map(w -> device.hold(w, arena)).toArray(WeightMatrix[]::new);
                device.kernels().matmul(held, buffer(device, arena, x), 3, outs);
                return outs[wanted];
            });
        }
    }

    /// More heads than tasks fit into a launch, and two types of weights.
    @Test
    void multipliesEachHeadByItsMatrix() {
        int heads = 20;
        WeightMatrix[] ws = new WeightMatrix[heads];
        for (int h = 0; h < heads; h++) {
            ws[h] = RandomMatrix.of(h % 3 == 2 ? DType.Q8_0 : DType.F32, 24, 32, random);
        }
        float[] x = floats(3 * heads * 40, random);
        devices.assertClose(1e-5, SEED + ": heads", (device, arena) -> {
            WeightMatrix[] held =
                    Arrays.stream(ws).map(w -> device.hold(w, arena)).toArray(WeightMatrix[]::new);
            DeviceBuffer out = device.allocate(3 * heads * 24, arena);
            device.kernels().matmulPerHead(held, buffer(device, arena, x), 3, 40, out);
            return out;
        });
    }

    @Test
    void multipliesRowsOfAList() {
        WeightMatrix w = RandomMatrix.of(DType.Q4_0, 30, 64, random);
        float[] x = floats(9 * 64, random);
        int[] rows = {0, 8, 3, 3, 1, 7};
        int[] outRows = {0, 4, 0, 2, 5, 1};
        devices.assertClose(1e-5, SEED + ": listed rows", (device, arena) -> {
            DeviceBuffer out = device.allocate(6 * 30, arena);
            device.kernels().matmulRows(device.hold(w, arena), buffer(device, arena, x), rows, 1, 5, out, outRows);
            return out;
        });
    }

    @Test
    void quantisedWeightsNeedAlignedRows() {
        WeightMatrix w = RandomMatrix.of(DType.Q8_0, 16, 32, random);
        assertThrows(
                IllegalArgumentException.class,
                () -> devices.onCuda((device, arena) -> {
                    DeviceBuffer out = device.allocate(2 * 16, arena);
                    WeightMatrix[] ws = {device.hold(w, arena), device.hold(w, arena)};
                    device.kernels().matmulPerHead(ws, device.allocate(2 * 33, arena), 1, 33, out);
                    return out;
                }));
    }
}
