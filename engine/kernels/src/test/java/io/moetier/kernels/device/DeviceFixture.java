package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/// What contracts of devices do with one: buffers, random numbers and matrices, and comparisons.
abstract class DeviceFixture {
    static final long SEED = 4711;
    static final double ULP = 0x1p-24;

    Random random;
    Arena host;
    Arena arena;
    Kernels kernels;

    /// Returns the device, which the subclass opens and closes.
    protected abstract Device device();

    @BeforeEach
    @SuppressWarnings("MustBeClosedChecker") // closed after the test
    final void open() {
        random = new Random(SEED);
        host = Arena.ofShared();
        arena = device().newArena();
        kernels = device().kernels();
    }

    @AfterEach
    final void close() {
        arena.close();
        host.close();
    }

    DeviceBuffer buffer(float... floats) {
        DeviceBuffer buffer = device().allocate(floats.length, arena);
        device().upload(floats, 0, floats.length, buffer, 0);
        return buffer;
    }

    DeviceBuffer zeros(int length) {
        return device().allocate(length, arena);
    }

    float[] read(DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device().download(buffer, 0, floats.length, floats, 0);
        return floats;
    }

    float[] floats(int length) {
        return RandomWeights.activations(length, random);
    }

    float[] positive(int length) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = random.nextFloat();
        }
        return floats;
    }

    WeightMatrix matrix(DType dtype, int rows, int cols) {
        return RandomWeights.pack(host, dtype, RandomWeights.rowMajor(host, dtype, rows, cols, random), rows, cols);
    }

    WeightMatrix held(WeightMatrix matrix) {
        return device().hold(matrix, arena);
    }

    WeightMatrix[] held(WeightMatrix... matrices) {
        return Stream.of(matrices).map(this::held).toArray(WeightMatrix[]::new);
    }

    static int blocks(DType dtype, int least) {
        return Math.ceilDiv(least, dtype.blockElements()) * dtype.blockElements();
    }

    static float[] rows(float[] x, int cols, int... rows) {
        float[] chosen = new float[rows.length * cols];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(x, rows[i] * cols, chosen, i * cols, cols);
        }
        return chosen;
    }

    /// @param relative of the larger of the expected value and 1
    static void assertClose(double[] expected, float[] found, double relative, String what) {
        assertEquals(expected.length, found.length, what);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = relative * Math.max(1, Math.abs(expected[i]));
            int at = i;
            assertEquals(expected[i], found[i], tolerance, () -> SEED + ": " + what + " at " + at);
        }
    }
}
