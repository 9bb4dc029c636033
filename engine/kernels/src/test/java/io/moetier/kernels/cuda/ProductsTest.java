package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// That products give a row the same bits in every batch.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProductsTest {
    private static final long SEED = 4711;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void aRowGivesTheSameBitsInEveryBatch(DType dtype) {
        int rows = 40;
        int cols = 768;
        int n = 6;
        WeightMatrix w = RandomWeights.matrix(dtype, rows, cols, random);
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
}
