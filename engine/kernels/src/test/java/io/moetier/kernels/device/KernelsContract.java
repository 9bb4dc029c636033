package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What the operations of every device compute and refuse: each of them against [Reference].
///
/// Tolerances. What sums nothing and takes no exponential is exact: the same float operations in the same order on
/// every device. The others say theirs, in roundings of 2^-24 of the sum of absolute terms, or of the larger of the
/// value and 1.
///
/// A device whose kernels sum in another order, round activations or are too slow for large shapes says so in the
/// methods that a subclass may override; no operation and no type of weights may be left out.
public abstract class KernelsContract extends ExpertsContract {
    /// An exponential is within 2 units, and what is computed from it within some more.
    private static final double EXPONENTIAL = 16 * ULP;

    /// Returns rows, columns and numbers of tokens of products.
    protected int[][] products() {
        return new int[][] {
            {16, 32, 1},
            {40, 64, 2},
            {33, 96, 9},
            {5, 33, 7},
            {70, 544, 33},
            {24, 12, 2},
            {64, 1056, 1},
            {1, 256, 70},
            {17, 512, 200},
            {33, 768, 1},
            {18, 1280, 7},
            {17, 2, 3}
        };
    }

    /// Returns lengths of rows that are normalised.
    protected int[] widths() {
        return new int[] {1, 7, 32, 96, 131, 1023, 1024, 2050};
    }

    private Stream<DType> typesOf(int cols) {
        return Stream.of(DType.values()).filter(dtype -> cols % dtype.blockElements() == 0);
    }

    @Test
    void multipliesEveryTypeAndShape() {
        for (int[] shape : products()) {
            int n = shape[2];
            typesOf(shape[1]).forEach(dtype -> {
                WeightMatrix w = matrix(dtype, shape[0], shape[1]);
                float[] x = floats((n + 3) * w.cols());
                DeviceBuffer out = zeros((n + 3) * w.rows());
                kernels.matmul(held(w), buffer(x), 2, n, out, 1);
                float[] y = read(out);
                float[] used = Arrays.copyOfRange(x, 2 * w.cols(), (n + 2) * w.cols());
                String what = dtype + " " + w.rows() + " x " + w.cols() + " x " + n;
                assertProduct(w, used, Arrays.copyOfRange(y, w.rows(), (n + 1) * w.rows()), what);
                assertArrayEquals(new float[w.rows()], Arrays.copyOf(y, w.rows()), "before the output");
                float[] behind = Arrays.copyOfRange(y, (n + 1) * w.rows(), y.length);
                assertArrayEquals(new float[2 * w.rows()], behind, "after the output");
            });
        }
    }

    /// The first and the third are of one type.
    @Test
    void multipliesSeveralMatricesByTheSameRows() {
        WeightMatrix[] ws = {
            matrix(DType.BF16, 40, 96), matrix(DType.Q8_0, 64, 96), matrix(DType.BF16, 7, 96), matrix(DType.F32, 1, 96)
        };
        for (int n : new int[] {1, 3, 40}) {
            float[] x = floats(n * 96);
            DeviceBuffer[] outs = Stream.of(ws).map(w -> zeros(n * w.rows())).toArray(DeviceBuffer[]::new);
            kernels.matmul(held(ws), buffer(x), n, outs);
            for (int i = 0; i < ws.length; i++) {
                assertProduct(ws[i], x, read(outs[i]), "matrix " + i);
            }
        }
    }

    /// More heads than tasks come with one launch of a GPU, and two types of weights.
    @Test
    void multipliesEachHeadByItsMatrix() {
        int heads = 20;
        WeightMatrix[] ws = IntStream.range(0, heads)
                .mapToObj(h -> matrix(h % 3 == 2 ? DType.Q8_0 : DType.F32, 24, 32))
                .toArray(WeightMatrix[]::new);
        for (int n : new int[] {1, 3}) {
            float[] x = floats(n * heads * 40);
            DeviceBuffer out = zeros(n * heads * 24);
            kernels.matmulPerHead(held(ws), buffer(x), n, 40, out);
            float[] y = read(out);
            for (int unit = 0; unit < n * heads; unit++) {
                float[] own = Arrays.copyOfRange(x, unit * 40, unit * 40 + 32);
                float[] found = Arrays.copyOfRange(y, unit * 24, (unit + 1) * 24);
                assertProduct(ws[unit % heads], own, found, "head " + unit % heads);
            }
        }
    }

    @Test
    void multipliesListedRowsToListedPlaces() {
        for (DType dtype : new DType[] {DType.F32, DType.Q8_0, DType.MXFP4}) {
            WeightMatrix w = matrix(dtype, 20, 64);
            float[] x = floats(9 * 64);
            DeviceBuffer out = zeros(6 * 20);
            kernels.matmulRows(held(w), buffer(x), new int[] {99, 8, 3, 3, 1}, 1, 4, out, new int[] {99, 4, 0, 2, 5});
            float[] y = read(out);
            assertProduct(w, rows(x, 64, 8, 3, 3, 1), rows(y, 20, 4, 0, 2, 5), dtype.label());
            assertArrayEquals(new float[2 * 20], rows(y, 20, 1, 3), "no row goes there");
        }
    }

    /// Few tokens come with a launch of a GPU, and many are staged.
    @Test
    void embedsRowsExactly() {
        for (DType dtype : DType.values()) {
            WeightMatrix table = matrix(dtype, 50, blocks(dtype, 37));
            double[] weights = Reference.weights(table);
            int[] tokens = random.ints(70, 0, 50).toArray();
            for (int n : new int[] {1, 69}) {
                DeviceBuffer out = zeros(n * table.cols());
                kernels.embed(held(table), tokens, 1, n, out);
                float[] y = read(out);
                for (int i = 0; i < y.length; i++) {
                    int row = tokens[1 + i / table.cols()];
                    // the zeros of a type may have either sign
                    assertEquals(weights[row * table.cols() + i % table.cols()] + 0.0, y[i] + 0f, dtype.label());
                }
            }
        }
    }

    /// A sum of squares is positive: its relative error is that of its longest chain of additions, and so is that of a
    /// mean, of values near 1.
    @Test
    void normalises() {
        for (int cols : widths()) {
            double tolerance = 8 * (cols / 16.0 + 9) * ULP;
            float[] x = floats(9 * cols);
            float[] weight = floats(cols);
            float[] bias = floats(cols);
            DeviceBuffer inPlace = buffer(x);
            kernels.rmsNorm(inPlace, 9, cols, weight, 1e-5f, inPlace);
            assertClose(Reference.rmsNorm(x, cols, weight, 1e-5f), read(inPlace), tolerance, "RMS norm of " + cols);
            for (float @Nullable [] each : new float @Nullable [][] {bias, null}) {
                DeviceBuffer out = zeros(9 * cols);
                kernels.layerNorm(buffer(x), 9, cols, weight, each, 1e-5f, out);
                double[] expected = Reference.layerNorm(x, cols, weight, each, 1e-5f);
                assertClose(expected, read(out), tolerance, "layer norm of " + cols);
            }
        }
    }

    /// What belongs to rows of 35 and to lengths between rows, in a length that is no multiple of anything.
    @Test
    void computesElementByElement() {
        int length = 6 * 1735;
        float[] x = floats(length);
        float[] y = floats(length);
        float[] vector = floats(1735);
        DeviceBuffer a = buffer(x);
        DeviceBuffer b = buffer(y);
        DeviceBuffer c = zeros(length);
        kernels.add(a, b, length);
        kernels.addBias(a, 6, 1735, vector);
        kernels.clamp(a, 9000, 1.5f);
        kernels.multiply(a, b, 8999);
        kernels.combine(a, 0.5f, b, -2f, length, c);
        kernels.scale(c, 7001, 3);
        kernels.addScaled(b, 6, 1735, vector, c);
        kernels.copy(c, 5000, a);
        kernels.appendRows(b, 1, 1735, a, 5);
        kernels.clear(a, 3);
        float[] expected = new float[length];
        for (int i = 0; i < length; i++) {
            float sum = x[i] + y[i] + vector[i % 1735];
            float clamped = i < 9000 ? Math.min(Math.max(sum, -1.5f), 1.5f) : sum;
            float product = i < 8999 ? clamped * y[i] : clamped;
            float combined = (0.5f * product - 2f * y[i]) * (i < 7001 ? 3 : 1);
            float copied = i < 5000 ? combined + vector[i % 1735] * y[i] : product;
            expected[i] = i < 3 ? 0 : i < 5 * 1735 ? copied : y[i - 5 * 1735];
        }
        assertArrayEquals(expected, read(a), "seed " + SEED);
    }

    @Test
    void notANumberStaysOne() {
        DeviceBuffer x = buffer(1, Float.NaN, 5, Float.POSITIVE_INFINITY);
        kernels.clamp(x, 4, 2);
        assertArrayEquals(new float[] {1, Float.NaN, 2, 2}, read(x));
    }

    @Test
    void activates() {
        for (Activation activation : Activation.values()) {
            float[] x = floats(4001);
            for (int i = 0; i < 200; i++) {
                x[i] = i - 100;
            }
            System.arraycopy(new float[] {-1000, -0f, 1e-20f, 19.9f, 20.1f, 1000}, 0, x, 200, 6);
            DeviceBuffer inPlace = buffer(x);
            kernels.activate(inPlace, 4000, activation);
            float last = x[4000];
            double[] expected = IntStream.range(0, 4001)
                    .mapToDouble(i -> i == 4000 ? last : Reference.activated(activation, x[i]))
                    .toArray();
            assertClose(expected, read(inPlace), EXPONENTIAL, activation.toString());
        }
    }

    /// Few factors come with a launch of a GPU, many are staged. Nobody may have written rows of weight 0.
    @Test
    void weighsRowsInTheirOrder() {
        for (int k = 1; k <= 6; k++) {
            for (int n : new int[] {1, 3, 40}) {
                int cols = 37 + 1024 * (k % 2);
                float[] weights = floats(n * k);
                float[] rows = floats(n * k * cols);
                for (int i = 0; i < weights.length; i++) {
                    if (random.nextInt(3) == 0) {
                        weights[i] = 0;
                        Arrays.fill(rows, i * cols, (i + 1) * cols, Float.NaN);
                    }
                }
                DeviceBuffer sum = buffer(floats(n * cols));
                kernels.weightedSum(buffer(rows), weights, n, k, cols, sum);
                float[] expected = new float[n * cols];
                for (int i = 0; i < expected.length; i++) {
                    for (int j = i / cols * k; j < (i / cols + 1) * k; j++) {
                        expected[i] += weights[j] == 0 ? 0 : weights[j] * rows[j * cols + i % cols];
                    }
                }
                assertArrayEquals(expected, read(sum), SEED + ": " + n + " sums of " + k);
            }
        }
    }

    @Test
    void scalesRows() {
        for (int n : new int[] {2, 40}) {
            float[] x = floats(n * 37);
            float[] factors = floats(n * 3);
            DeviceBuffer out = zeros(n * 3 * 37 + 1);
            kernels.scaleRows(buffer(x), factors, n, 3, 37, out);
            DeviceBuffer inPlace = buffer(x);
            kernels.scaleRows(inPlace, factors, n, 1, 37, inPlace);
            float[] expected = new float[n * 3 * 37 + 1];
            for (int i = 0; i < n * 3 * 37; i++) {
                expected[i] = factors[i / 37] * x[i / (3 * 37) * 37 + i % 37];
            }
            float[] once = new float[n * 37];
            for (int i = 0; i < once.length; i++) {
                once[i] = factors[i / 37] * x[i];
            }
            assertArrayEquals(expected, read(out), "seed " + SEED);
            assertArrayEquals(once, read(inPlace), "seed " + SEED);
        }
    }

    @Test
    void addsRowsWithAndWithoutGates() {
        int cols = 1037;
        float[] x = floats(5 * cols);
        float[] before = floats(3 * cols);
        float[] gates = {-2, 0, 100};
        DeviceBuffer sum = buffer(before);
        kernels.addRows(buffer(x), 2, null, 3, cols, sum);
        float[] exact = new float[3 * cols];
        double[] gated = new double[3 * cols];
        for (int i = 0; i < exact.length; i++) {
            exact[i] = before[i] + x[2 * cols + i];
            gated[i] = exact[i] + x[cols + i] / (1 + Math.exp(-gates[i / cols]));
        }
        assertArrayEquals(exact, read(sum), "seed " + SEED);
        kernels.addRows(buffer(x), 1, buffer(gates), 3, cols, sum);
        assertClose(gated, read(sum), EXPONENTIAL, "gated rows");
    }

    @Test
    void copiesListedRows() {
        float[] x = floats(6 * 5);
        DeviceBuffer out = zeros(8 * 5);
        kernels.copyRows(buffer(x), new int[] {99, 5, 0, 3}, new int[] {99, 1, 7, 2}, 1, 3, 5, out);
        float[] y = read(out);
        assertArrayEquals(rows(x, 5, 5, 0, 3), rows(y, 5, 1, 7, 2));
        assertArrayEquals(new float[5 * 5], rows(y, 5, 0, 3, 4, 5, 6));
    }

    /// Angles are rounded to float32 once.
    @Test
    void rotatesHeads() {
        for (boolean interleaved : new boolean[] {false, true}) {
            RopeTable table = RopeTable.of(8, 10000, interleaved, Optional.empty());
            for (int from : new int[] {0, 2}) {
                float[] x = floats(3 * 2 * 11);
                DeviceBuffer inPlace = buffer(x);
                kernels.rope(inPlace, 3, 2, 11, from, 100, table);
                double[] expected = Reference.rope(x, 2, 11, from, 100, 8, interleaved);
                assertClose(expected, read(inPlace), 1e-6, "rotation, interleaved: " + interleaved);
            }
        }
    }
}
