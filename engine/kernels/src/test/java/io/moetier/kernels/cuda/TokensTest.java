package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// That what treats every token by itself may be collected in one launch, and gives the same bits either way.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TokensTest {
    private static final long SEED = 4711;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
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
        WeightMatrix embedding = RandomWeights.matrix(DType.F32, 4, 64, random);
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
