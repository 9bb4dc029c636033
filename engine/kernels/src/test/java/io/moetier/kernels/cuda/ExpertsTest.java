package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.storage.model.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Experts beside each other, and how often they are launched.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExpertsTest {
    private static final long SEED = 4711;
    private static final int HIDDEN = 256;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    private HostExpert swiGlu(DType dtype, int width) {
        return new HostExpert(
                FfnActivation.SWIGLU,
                RandomWeights.matrix(dtype, width, HIDDEN, random),
                RandomWeights.matrix(dtype, width, HIDDEN, random),
                RandomWeights.matrix(dtype, HIDDEN, width, random),
                null,
                null,
                null);
    }

    /// Gives expert `e` rows `starts[e]` to `starts[e + 1]` of the lists.
    private DevicePair.Work work(List<HostExpert> experts, int[] starts, int[] rows, int[] outRows, float[] x) {
        int most = Arrays.stream(outRows).max().orElseThrow() + 1;
        return (device, arena) -> {
            ExpertBatch batch = new ExpertBatch();
            batch.begin(rows, outRows, x.length / HIDDEN);
            for (int e = 0; e < experts.size(); e++) {
                batch.add(experts.get(e).on(device, arena), starts[e], starts[e + 1] - starts[e]);
            }
            DeviceBuffer out = device.allocate(most * HIDDEN, arena);
            device.kernels().expertFfn(batch, buffer(device, arena, x), out);
            return out;
        };
    }

    @Test
    void whatAnExpertGivesDependsOnNoOther() {
        List<HostExpert> experts = List.of(swiGlu(DType.Q4_K, 256), swiGlu(DType.Q8_0, 64), swiGlu(DType.Q4_K, 256));
        float[] x = floats(5 * HIDDEN, random);
        int[] rows = {0, 1, 2, 3, 4, 1, 2};
        int[] outRows = {0, 1, 2, 3, 4, 5, 6};
        float[] together = devices.onCuda(work(experts, new int[] {0, 5, 6, 7}, rows, outRows, x));
        for (int i = 0; i < rows.length; i++) {
            HostExpert own = experts.get(i < 5 ? 0 : i - 4);
            float[] alone = devices.onCuda(work(List.of(own), new int[] {0, 1}, new int[] {rows[i]}, new int[] {0}, x));
            assertArrayEquals(Arrays.copyOfRange(together, i * HIDDEN, (i + 1) * HIDDEN), alone, SEED + ": row " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void aRowGivesTheSameBitsAloneAndBesideAnother(DType dtype) {
        List<HostExpert> expert = List.of(swiGlu(dtype, 256));
        float[] x = floats(2 * HIDDEN, random);
        float[] together = devices.onCuda(work(expert, new int[] {0, 2}, new int[] {0, 1}, new int[] {0, 1}, x));
        for (int i = 0; i < 2; i++) {
            float[] alone = devices.onCuda(work(expert, new int[] {0, 1}, new int[] {i}, new int[] {0}, x));
            assertArrayEquals(Arrays.copyOfRange(together, i * HIDDEN, (i + 1) * HIDDEN), alone, SEED + ": row " + i);
        }
    }

    @Test
    void expertsOfOneTypeTakeTwoLaunchesAndFewNoCopy() {
        if (!devices.isEmulated()) {
            return;
        }
        List<HostExpert> experts = List.of(swiGlu(DType.Q8_0, 32), swiGlu(DType.Q8_0, 32));
        float[] x = floats(HIDDEN, random);
        devices.onCuda((device, arena) -> {
            ExpertBatch batch = new ExpertBatch();
            batch.begin(new int[] {0, 0}, new int[] {0, 1}, 1);
            batch.add(experts.get(0).on(device, arena), 0, 1);
            batch.add(experts.get(1).on(device, arena), 1, 1);
            DeviceBuffer in = buffer(device, arena, x);
            DeviceBuffer out = device.allocate(2 * HIDDEN, arena);
            long launches = devices.calls("cuLaunchKernel");
            long copies = devices.calls("cuMemcpyHtoDAsync");
            device.kernels().expertFfn(batch, in, out);
            assertEquals(2, devices.calls("cuLaunchKernel") - launches);
            assertEquals(copies, devices.calls("cuMemcpyHtoDAsync"));
            return out;
        });
    }
}
