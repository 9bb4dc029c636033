package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.LinearAttentionShape;
import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Operations with a state, and those between them, against loops in double.
///
/// Tolerance: states decay, so an error is that of the sums of a few dozen tokens of about the size of the result;
/// every operation on the way is off by 2^-24 of its size at most, and so results are within 2^-16 of the largest. All
/// operations go through tokens one after another: any split of them, and any number of threads, gives the same bits.
class RecurrenceTest {
    private static final long SEED = 42;
    private static final double TOLERANCE = 0x1p-16;
    private static final int TOKENS = 23;
    private static final int[][] SPLITS = {{TOKENS}, {5, 1, 17}, ones()};

    private final Random random = new Random(SEED);

    private static int[] ones() {
        int[] ones = new int[TOKENS];
        Arrays.fill(ones, 1);
        return ones;
    }

    /// An operation on the tokens of inputs that are rows of these widths, in place or to an output.
    private interface Operation {
        void run(CpuDevice device, DeviceBuffer[] inputs, int n, DeviceBuffer state, DeviceBuffer out);
    }

    /// Runs all tokens in pieces, and returns the output followed by the last state.
    private static float[] run(
            int threads, int[] split, float[][] inputs, float[] state, int outWidth, Operation operation) {
        try (CpuDevice device = CpuDevice.open(threads, KernelChoice.PLAIN)) {
            DeviceBuffer states = buffer(device, state, 0, state.length);
            float[] results = new float[TOKENS * outWidth + state.length];
            int at = 0;
            for (int n : split) {
                DeviceBuffer[] pieces = new DeviceBuffer[inputs.length];
                for (int i = 0; i < inputs.length; i++) {
                    int width = inputs[i].length / TOKENS;
                    pieces[i] = buffer(device, inputs[i], at * width, n * width);
                }
                DeviceBuffer out = device.allocate(n * outWidth);
                operation.run(device, pieces, n, states, out);
                device.download(out, 0, n * outWidth, results, at * outWidth);
                at += n;
            }
            device.download(states, 0, state.length, results, TOKENS * outWidth);
            return results;
        }
    }

    private static DeviceBuffer buffer(CpuDevice device, float[] x, int from, int length) {
        DeviceBuffer buffer = device.allocate(length);
        device.upload(x, from, length, buffer, 0);
        return buffer;
    }

    private static void assertAllSplits(
            double[] expected, float[][] inputs, float[] state, int outWidth, Operation operation) {
        float[] whole = run(1, SPLITS[0], inputs, state, outWidth, operation);
        assertClose(expected, whole);
        for (int[] split : SPLITS) {
            for (int threads = 1; threads <= 3; threads++) {
                assertArrayEquals(whole, run(threads, split, inputs, state, outWidth, operation));
            }
        }
    }

    private static void assertClose(double[] expected, float[] found) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], found[i], TOLERANCE * largest, SEED + ": at " + i);
        }
    }

    private float[] floats(int length) {
        return TestWeights.floats(length, random);
    }

    /// Between 0 and 1.
    private float[] positive(int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = random.nextFloat();
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void convolves(boolean biased) {
        int channels = 5000; // enough for several threads
        int width = 4;
        float[] x = floats(TOKENS * channels);
        float[] taps = floats(width * channels);
        float[] bias = floats(channels);
        float[] before = floats(width * channels);
        double[] expected = new double[TOKENS * channels + before.length];
        for (int i = 0; i < channels; i++) {
            for (int t = 0; t < TOKENS; t++) {
                double sum = biased ? bias[i] : 0;
                for (int tap = 0; tap < width; tap++) {
                    int from = t - width + 1 + tap;
                    sum += taps[tap * channels + i] * (double) at(x, before, from, width, channels, i);
                }
                expected[t * channels + i] = sum;
            }
            for (int row = 0; row < width; row++) {
                expected[(TOKENS + row) * channels + i] = x[(TOKENS - width + row) * channels + i];
            }
        }
        assertAllSplits(expected, new float[][] {x}, before, channels, (device, inputs, n, state, out) -> {
            device.kernels().causalConvolution(inputs[0], n, channels, taps, biased ? bias : null, state);
            device.kernels().copy(inputs[0], n * channels, out);
        });
    }

    private static float at(float[] x, float[] before, int t, int width, int channels, int i) {
        return t < 0 ? before[(width + t) * channels + i] : x[t * channels + i];
    }

    @Test
    void scansSelectively() {
        int channels = 1100;
        int size = 16;
        float[] x = floats(TOKENS * channels);
        float[] step = positive(TOKENS * channels);
        float[] b = floats(TOKENS * size);
        float[] c = floats(TOKENS * size);
        float[] rates = positive(size * channels);
        float[] before = floats(size * channels);
        double[] expected = new double[TOKENS * channels + before.length];
        for (int i = 0; i < channels; i++) {
            double[] h = new double[size];
            for (int s = 0; s < size; s++) {
                h[s] = before[s * channels + i];
            }
            for (int t = 0; t < TOKENS; t++) {
                double dt = step[t * channels + i];
                for (int s = 0; s < size; s++) {
                    h[s] = Math.exp(-rates[s * channels + i] * dt) * h[s] + dt * x[t * channels + i] * b[t * size + s];
                    expected[t * channels + i] += c[t * size + s] * h[s];
                }
            }
            for (int s = 0; s < size; s++) {
                expected[(TOKENS + s) * channels + i] = h[s];
            }
        }
        assertAllSplits(
                expected,
                new float[][] {x, step, b, c},
                before,
                channels,
                (device, inputs, n, state, out) -> device.kernels()
                        .selectiveScan(inputs[0], inputs[1], inputs[2], inputs[3], n, channels, rates, state, out));
    }

    /// Keys are short, as those of the delta rule have to be: longer ones make the state grow without end.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void attendsLinearly(boolean delta) {
        LinearAttentionShape shape = new LinearAttentionShape(3, 6, 24, 40, delta);
        float[] q = floats(TOKENS * 3 * 24);
        float[] k = floats(TOKENS * 3 * 24);
        for (int i = 0; i < k.length; i++) {
            k[i] *= 0.1f;
        }
        float[] v = floats(TOKENS * 6 * 40);
        float[] step = positive(TOKENS * 6);
        float[] strength = positive(TOKENS * 6);
        float[] rates = positive(6);
        float[] before = floats(shape.stateSize());
        attends(shape, q, k, v, step, strength, rates, before);
        attends(shape, q, k, v, null, null, rates, before);
    }

    private static void attends(
            LinearAttentionShape shape,
            float[] q,
            float[] k,
            float[] v,
            float @Nullable [] step,
            float @Nullable [] strength,
            float[] rates,
            float[] before) {
        int width = shape.numValueHeads() * shape.valueDim();
        double[] expected = new double[TOKENS * width + before.length];
        for (int head = 0; head < shape.numValueHeads(); head++) {
            double[] state = new double[shape.keyDim() * shape.valueDim()];
            int stateAt = head * state.length;
            for (int i = 0; i < state.length; i++) {
                state[i] = before[stateAt + i];
            }
            for (int t = 0; t < TOKENS; t++) {
                int scalar = t * shape.numValueHeads() + head;
                int keyAt = (t * shape.numKeyHeads() + head / 2) * shape.keyDim();
                double decay = Math.exp(-rates[head] * (step == null ? 1.0 : step[scalar]));
                double factor = strength == null ? 1 : strength[scalar];
                for (int j = 0; j < shape.valueDim(); j++) {
                    double held = 0;
                    for (int i = 0; i < shape.keyDim(); i++) {
                        state[i * shape.valueDim() + j] *= decay;
                        held += state[i * shape.valueDim() + j] * k[keyAt + i];
                    }
                    double written = factor * (v[scalar * shape.valueDim() + j] - (shape.delta() ? held : 0));
                    for (int i = 0; i < shape.keyDim(); i++) {
                        state[i * shape.valueDim() + j] += k[keyAt + i] * written;
                        expected[scalar * shape.valueDim() + j] += q[keyAt + i] * state[i * shape.valueDim() + j];
                    }
                }
            }
            System.arraycopy(state, 0, expected, TOKENS * width + stateAt, state.length);
        }
        float[] ones = new float[TOKENS * shape.numValueHeads()];
        boolean isNull = step == null || strength == null;
        float[][] inputs = {q, k, v, step == null ? ones : step, strength == null ? ones : strength};
        assertAllSplits(
                expected,
                inputs,
                before,
                width,
                (device, in, n, states, out) -> device.kernels()
                        .linearAttention(
                                in[0],
                                in[1],
                                in[2],
                                isNull ? null : in[3],
                                isNull ? null : in[4],
                                rates,
                                n,
                                shape,
                                states,
                                out));
    }

    /// Within 2^-22 of the value: one rounding of a result in double.
    @Test
    void activates() {
        assertActivates(Activation.SIGMOID, x -> 1 / (1 + Math.exp(-x)));
        assertActivates(Activation.SILU, x -> x / (1 + Math.exp(-x)));
        assertActivates(Activation.SOFTPLUS, x -> x > 50 ? x : Math.log1p(Math.exp(x)));
    }

    private static void assertActivates(Activation activation, DoubleUnaryOperator function) {
        float[] x = {-1000, -30, -2.5f, -0f, 0f, 1e-20f, 0.25f, 3, 19.9f, 20.1f, 89, 1000};
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN)) {
            DeviceBuffer buffer = buffer(device, x, 0, x.length);
            device.kernels().activate(buffer, x.length - 1, activation);
            float[] found = new float[x.length];
            device.download(buffer, 0, found.length, found, 0);
            for (int i = 0; i < x.length - 1; i++) {
                double expected = function.applyAsDouble(x[i]);
                assertEquals(
                        expected, found[i], Math.abs(expected) * 0x1p-22 + Float.MIN_VALUE, activation + " " + x[i]);
            }
            assertEquals(x[x.length - 1], found[x.length - 1], "beyond the length");
        }
    }

    @Test
    void multipliesAndAddsElementByElement() {
        float[] x = floats(6 * 70);
        float[] y = floats(6 * 70);
        float[] factors = floats(70);
        try (CpuDevice device = CpuDevice.open(2, KernelChoice.PLAIN)) {
            DeviceBuffer product = buffer(device, x, 0, x.length);
            DeviceBuffer other = buffer(device, y, 0, y.length);
            DeviceBuffer sum = buffer(device, x, 0, x.length);
            device.kernels().multiply(product, other, x.length);
            device.kernels().addScaled(other, 6, 70, factors, sum);
            float[] products = new float[x.length];
            float[] sums = new float[x.length];
            device.download(product, 0, x.length, products, 0);
            device.download(sum, 0, x.length, sums, 0);
            for (int i = 0; i < x.length; i++) {
                assertEquals(x[i] * y[i], products[i]);
                assertEquals(x[i] + factors[i % 70] * y[i], sums[i]);
            }
            device.kernels().clear(sum, 5);
            device.download(sum, 0, x.length, products, 0);
            assertArrayEquals(new float[5], Arrays.copyOf(products, 5));
            assertEquals(sums[5], products[5]);
        }
    }

    @Test
    void sizesThatDoNotSuitAreRefused() {
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN)) {
            DeviceBuffer small = device.allocate(8);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> device.kernels().causalConvolution(small, 1, 8, new float[12], null, small));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> device.kernels()
                            .selectiveScan(small, small, small, small, 1, 8, new float[16], small, small));
            assertThrows(
                    IllegalArgumentException.class, () -> device.kernels().addScaled(small, 2, 4, new float[3], small));
            LinearAttentionShape shape = new LinearAttentionShape(1, 2, 4, 4, false);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> device.kernels()
                            .linearAttention(small, small, small, null, null, new float[1], 1, shape, small, small));
            assertThrows(IllegalArgumentException.class, () -> new LinearAttentionShape(2, 3, 4, 4, false));
        }
    }
}
