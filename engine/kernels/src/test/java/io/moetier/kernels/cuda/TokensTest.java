package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What treats every token by itself, and that it may be collected in one launch.
///
/// Tolerances: where nothing is summed over a row and no exponential is taken, the device computes as Java does, bit
/// for bit. A norm sums in float32, 2^-24 of the sum for each of at most `cols / 32 + 9` additions in a row; an
/// exponential is within 2 units in the last place.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TokensTest {
    private static final long SEED = 4711;
    private static final double EXPONENTIAL = 1e-6;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 32, 131, 1023, 1024, 2050})
    void normalises(int cols) {
        float[] x = floats(9 * cols, random);
        float[] weight = floats(cols, random);
        float[] bias = floats(cols, random);
        double tolerance = 8 * (cols / 32.0 + 9) * 0x1p-24;
        devices.assertClose(tolerance, SEED + ": RMS norm of " + cols, (device, arena) -> {
            DeviceBuffer inPlace = buffer(device, arena, x);
            device.kernels().rmsNorm(inPlace, 9, cols, weight, 1e-5f, inPlace);
            return inPlace;
        });
        devices.assertClose(tolerance, SEED + ": layer norm of " + cols, (device, arena) -> {
            DeviceBuffer out = device.allocate(x.length, arena);
            device.kernels().layerNorm(buffer(device, arena, x), 9, cols, weight, bias, 1e-5f, out);
            return out;
        });
        devices.assertClose(tolerance, SEED + ": layer norm of " + cols, (device, arena) -> {
            DeviceBuffer out = device.allocate(x.length, arena);
            device.kernels().layerNorm(buffer(device, arena, x), 9, cols, weight, null, 1e-5f, out);
            return out;
        });
    }

    @Test
    void aRowIsNormalisedToTheSameBitsInEveryBatch() {
        for (int cols : new int[] {96, 1500}) {
            float[] x = floats(5 * cols, random);
            float[] weight = floats(cols, random);
            float[] together = devices.onCuda((device, arena) -> normed(device, arena, x, weight));
            for (int row = 0; row < 5; row++) {
                float[] own = Arrays.copyOfRange(x, row * cols, (row + 1) * cols);
                float[] alone = devices.onCuda((device, arena) -> normed(device, arena, own, weight));
                assertArrayEquals(Arrays.copyOfRange(together, row * cols, (row + 1) * cols), alone);
            }
        }
    }

    private static DeviceBuffer normed(Device device, Arena arena, float[] x, float[] weight) {
        DeviceBuffer out = device.allocate(x.length, arena);
        int rows = x.length / weight.length;
        device.kernels().rmsNorm(buffer(device, arena, x), rows, weight.length, weight, 1e-5f, out);
        return out;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rotatesAsTheProcessorDoes(boolean interleaved) {
        float[] x = floats(3 * 2 * 11, random);
        RopeTable table = RopeTable.of(8, 10000, interleaved, Optional.empty());
        assertSameBits((device, arena) -> {
            DeviceBuffer inPlace = buffer(device, arena, x);
            device.kernels().rope(inPlace, 3, 2, 11, 2, 100, table);
            return inPlace;
        });
    }

    /// The first rotation is still collected when the second one makes the table grow.
    @Test
    void givesUpAnglesThatATableHasOutgrown() {
        float[] x = floats(2 * 8, random);
        RopeTable table = RopeTable.of(8, 10000, false, Optional.empty());
        long before = devices.cuda.workingBytes();
        for (int last : new int[] {100, 1000}) {
            assertSameBits((device, arena) -> {
                DeviceBuffer first = buffer(device, arena, x);
                DeviceBuffer second = buffer(device, arena, x);
                device.kernels().rope(first, 2, 1, 8, 0, 3, table);
                device.kernels().rope(second, 2, 1, 8, 0, last, table);
                device.kernels().add(first, second, x.length);
                return first;
            });
        }
        long held = 2L * table.reserve(1).cos().length * Float.BYTES;
        assertEquals(before + held, devices.cuda.workingBytes());
    }

    @Test
    void computesElementByElement() {
        float[] x = floats(6 * 35, random);
        float[] y = floats(6 * 35, random);
        float[] vector = floats(35, random);
        assertSameBits((device, arena) -> {
            Kernels kernels = device.kernels();
            DeviceBuffer out = buffer(device, arena, x);
            DeviceBuffer other = buffer(device, arena, y);
            DeviceBuffer third = device.allocate(x.length, arena);
            kernels.add(out, other, 6 * 35);
            kernels.addBias(out, 6, 35, vector);
            kernels.clamp(out, 200, 1.5f);
            kernels.multiply(out, other, 199);
            kernels.combine(out, 0.5f, other, -2f, 6 * 35, third);
            kernels.scale(third, 111, 3);
            kernels.addScaled(other, 6, 35, vector, third);
            kernels.copy(third, 100, out);
            kernels.appendRows(other, 1, 35, out, 5);
            kernels.clear(out, 3);
            return out;
        });
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activates(Activation activation) {
        float[] x = floats(4001, random);
        for (int i = 0; i < 200; i++) {
            x[i] = i - 100;
        }
        devices.assertClose(EXPONENTIAL, SEED + ": " + activation, (device, arena) -> {
            DeviceBuffer inPlace = buffer(device, arena, x);
            device.kernels().activate(inPlace, x.length, activation);
            return inPlace;
        });
    }

    @Test
    void notANumberStaysOne() {
        assertSameBits((device, arena) -> {
            DeviceBuffer x = buffer(device, arena, 1, Float.NaN, 5, Float.POSITIVE_INFINITY);
            device.kernels().clamp(x, 4, 2);
            return x;
        });
    }

    /// Few factors come with a launch, many are staged.
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 40})
    void weighsRows(int n) {
        int k = 4;
        int cols = 37;
        float[] rows = floats(n * k * cols, random);
        float[] x = floats(n * cols, random);
        float[] weights = floats(n * k, random);
        weights[1] = 0;
        Arrays.fill(weights, 0, n > 1 ? k : 0, 0);
        assertSameBits((device, arena) -> {
            DeviceBuffer out = device.allocate(n * cols, arena);
            device.kernels().weightedSum(buffer(device, arena, rows), weights, n, k, cols, out);
            return out;
        });
        assertSameBits((device, arena) -> {
            DeviceBuffer out = device.allocate(n * k * cols, arena);
            device.kernels().scaleRows(buffer(device, arena, x), weights, n, k, cols, out);
            return out;
        });
        devices.assertClose(EXPONENTIAL, SEED + ": gated rows", (device, arena) -> {
            DeviceBuffer out = buffer(device, arena, x);
            DeviceBuffer gates = buffer(device, arena, Arrays.copyOf(weights, n));
            device.kernels().addRows(buffer(device, arena, rows), n, gates, n, cols, out);
            device.kernels().addRows(buffer(device, arena, rows), 1, null, n, cols, out);
            return out;
        });
    }

    @Test
    void readsNoRowOfWeightZero() {
        float nan = Float.NaN;
        assertSameBits((device, arena) -> {
            DeviceBuffer experts = buffer(device, arena, nan, nan, 3, 4, nan, nan, nan, nan, 1, 2, nan, nan);
            DeviceBuffer sum = buffer(device, arena, 9, 9, 9, 9, 9, 9);
            device.kernels().weightedSum(experts, new float[] {0, 2, 0, 0, 3, 0}, 3, 2, 2, sum);
            return sum;
        });
    }

    @Test
    void copiesRowsOfAList() {
        float[] x = floats(6 * 5, random);
        assertSameBits((device, arena) -> {
            DeviceBuffer out = device.allocate(8 * 5, arena);
            device.kernels()
                    .copyRows(buffer(device, arena, x), new int[] {9, 5, 0, 3}, new int[] {9, 1, 7, 2}, 1, 3, 5, out);
            return out;
        });
    }

    @Test
    void routesAsTheProcessorDoes() {
        float[] logits = floats(5 * 16, random);
        int[] ids = new int[5 * 4];
        float[] weights = new float[5 * 4];
        DevicePair.Work work = (device, arena) -> {
            device.kernels().route(buffer(device, arena, logits), 5, Routing.softmax(16, 4), null, ids, weights);
            return buffer(device, arena, weights);
        };
        float[] expected = devices.onCpu(work);
        int[] expectedIds = ids.clone();
        assertArrayEquals(expected, devices.onCuda(work));
        assertArrayEquals(expectedIds, ids);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 0", "40, 40, 3", "4096, 1, 0", "4097, 40, 1", "9000, 256, 0", "70000, 3, 5"})
    void findsTheLargestAsTheProcessorDoes(int n, int k, int from) {
        float[] numbers = floats(from + n, random);
        for (int i = 0; i < numbers.length; i += 7) {
            numbers[i] = Math.round(numbers[i]); // so that some are equal
        }
        numbers[from] = Float.NEGATIVE_INFINITY;
        numbers[from + n - 1] = n % 2 == 0 ? -Float.NaN : Float.POSITIVE_INFINITY;
        assertEquals(largest(devices.cpu, numbers, from, n, k), largest(devices.cuda, numbers, from, n, k));
    }

    private static List<String> largest(Device device, float[] numbers, int from, int n, int k) {
        try (Arena arena = device.newArena()) {
            Largest found = new Largest();
            device.kernels().largest(buffer(device, arena, numbers), from, n, k, found);
            return IntStream.range(0, found.size())
                    .mapToObj(i -> found.index(i) + ": " + found.value(i))
                    .toList();
        }
    }

    /// As in a layer: what follows a product until the next one is a single launch.
    @Test
    void collectsOperationsOfTheSameTokens() {
        if (!devices.isEmulated()) {
            return;
        }
        float[] x = floats(3 * 64, random);
        float[] weight = floats(64, random);
        float[] headWeight = floats(16, random);
        RopeTable table = RopeTable.of(16, 10000, false, Optional.empty());
        int[] tokens = {0, 1, 2};
        WeightMatrix embedding = RandomMatrix.of(DType.F32, 4, 64, random);
        devices.onCuda((device, arena) -> {
            Kernels kernels = device.kernels();
            DeviceBuffer hidden = buffer(device, arena, x);
            DeviceBuffer normed = device.allocate(3 * 64, arena);
            kernels.embed(device.hold(embedding, arena), tokens, 0, 3, normed);
            long before = devices.calls("cuLaunchKernel");
            kernels.add(hidden, normed, 3 * 64);
            kernels.rmsNorm(hidden, 3, 64, weight, 1e-5f, normed);
            kernels.rmsNorm(normed, 12, 16, headWeight, 1e-5f, normed);
            kernels.rope(normed, 3, 4, 16, 0, 7, table);
            kernels.weightedSum(hidden, new float[] {1, 1, 1}, 3, 1, 64, normed);
            float[] read = DevicePair.read(device, normed);
            assertEquals(3 * 64, read.length);
            assertEquals(1, devices.calls("cuLaunchKernel") - before);
            return hidden;
        });
    }

    /// A block of the second operation would read what other blocks of the first one write.
    @Test
    void waitsForTokensOfOthers() {
        float[] x = floats(4 * 8, random);
        assertSameBits((device, arena) -> {
            Kernels kernels = device.kernels();
            DeviceBuffer rows = buffer(device, arena, x);
            DeviceBuffer out = device.allocate(2 * 8, arena);
            kernels.scale(rows, 4 * 8, 2);
            kernels.addRows(rows, 2, null, 2, 8, out);
            kernels.addRows(rows, 1, null, 2, 8, out);
            kernels.scale(rows, 2 * 8, 2);
            kernels.addRows(rows, 0, null, 2, 8, out);
            return out;
        });
    }

    private void assertSameBits(DevicePair.Work work) {
        assertArrayEquals(devices.onCpu(work), devices.onCuda(work), () -> "seed " + SEED);
    }
}
