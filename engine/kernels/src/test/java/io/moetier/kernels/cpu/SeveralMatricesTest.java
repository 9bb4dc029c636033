package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Matrices that are multiplied by the same rows in one section of work.
class SeveralMatricesTest {
    private static final int COLS = 256;

    private final Random random = new Random(3);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void free() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void giveWhatEachGivesAlone(KernelChoice choice) {
        WeightMatrix[] matrices = {
            TestWeights.matrix(arena, DType.Q8_0, 96, COLS, random),
            TestWeights.matrix(arena, DType.BF16, 17, COLS, random),
            TestWeights.matrix(arena, DType.Q8_0, 1, COLS, random),
            TestWeights.matrix(arena, DType.F32, 64, COLS, random)
        };
        try (CpuDevice device = CpuDevice.open(2, choice)) {
            for (int n : new int[] {1, 2, 150}) {
                DeviceBuffer x = device.allocate(n * COLS);
                device.upload(TestWeights.floats(n * COLS, random), 0, n * COLS, x, 0);
                DeviceBuffer[] together = outputs(device, matrices, n);
                DeviceBuffer[] alone = outputs(device, matrices, n);
                device.kernels().matmul(matrices, x, n, together);
                for (int i = 0; i < matrices.length; i++) {
                    device.kernels().matmul(matrices[i], x, n, alone[i]);
                    assertArrayEquals(read(device, alone[i]), read(device, together[i]), choice + " " + i + " n=" + n);
                }
            }
        }
    }

    private static DeviceBuffer[] outputs(CpuDevice device, WeightMatrix[] matrices, int n) {
        return Arrays.stream(matrices)
                .map(matrix -> device.allocate(n * matrix.rows()))
                .toArray(DeviceBuffer[]::new);
    }

    private static float[] read(CpuDevice device, DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device.download(buffer, 0, floats.length, floats, 0);
        return floats;
    }
}
