package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.LinearAttentionShape;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Operations with a state go through tokens one after another: any split of them, and any number of threads, gives the
/// same bits.
class RecurrenceTest {
    private static final int TOKENS = 23;
    private static final int[][] SPLITS = {{TOKENS}, {5, 1, 17}, ones()};

    private final Random random = new Random(42);

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

    private static void assertAllSplitsAlike(float[][] inputs, float[] state, int outWidth, Operation operation) {
        float[] whole = run(1, SPLITS[0], inputs, state, outWidth, operation);
        for (int[] split : SPLITS) {
            for (int threads = 1; threads <= 3; threads++) {
                assertArrayEquals(whole, run(threads, split, inputs, state, outWidth, operation));
            }
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
        float[] taps = floats(4 * channels);
        float[] bias = floats(channels);
        float[][] x = {floats(TOKENS * channels)};
        assertAllSplitsAlike(x, floats(4 * channels), channels, (device, inputs, n, state, out) -> {
            device.kernels().causalConvolution(inputs[0], n, channels, taps, biased ? bias : null, state);
            device.kernels().copy(inputs[0], n * channels, out);
        });
    }

    @Test
    void scansSelectively() {
        int channels = 1100;
        int size = 16;
        float[] rates = positive(size * channels);
        float[][] xStepBC = {
            floats(TOKENS * channels), positive(TOKENS * channels), floats(TOKENS * size), floats(TOKENS * size)
        };
        assertAllSplitsAlike(
                xStepBC,
                floats(size * channels),
                channels,
                (device, inputs, n, state, out) -> device.kernels()
                        .selectiveScan(inputs[0], inputs[1], inputs[2], inputs[3], n, channels, rates, state, out));
    }

    @ParameterizedTest
    @CsvSource({"true, false", "false, false", "true, true", "false, true"})
    void attendsLinearly(boolean delta, boolean byElement) {
        LinearAttentionShape shape = new LinearAttentionShape(3, 6, 24, 40, delta, false, byElement);
        float[] rates = positive(6);
        float[][] qkvStepStrength = {
            floats(TOKENS * 3 * 24),
            positive(TOKENS * 3 * 24),
            floats(TOKENS * 6 * 40),
            positive(TOKENS * 6 * shape.steps()),
            positive(TOKENS * 6)
        };
        for (int i = 0; i < TOKENS * 3 * 24; i++) {
            qkvStepStrength[1][i] *= 0.1f; // longer keys make the state grow without end
        }
        assertAllSplitsAlike(
                qkvStepStrength,
                floats(shape.stateSize()),
                6 * 40,
                (device, in, n, state, out) -> device.kernels()
                        .linearAttention(in[0], in[1], in[2], in[3], in[4], rates, n, shape, state, out));
    }

    @Test
    void valueHeadsShareKeyHeadsEvenly() {
        assertThrows(IllegalArgumentException.class, () -> new LinearAttentionShape(2, 3, 4, 4, false));
    }
}
