package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.storage.model.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The feed-forward networks of experts.
///
/// Tolerance: two sums of up to 256 terms, the second over results of the first, in float32 instead of double, and an
/// exponential. A term goes through some 24 additions in each; 1e-5 of the largest result is 170 roundings of it.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExpertsTest {
    private static final long SEED = 4711;
    private static final double TOLERANCE = 1e-5;
    private static final int HIDDEN = 256;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    private HostExpert expert(FfnActivation activation, DType gate, DType up, DType down, int width, boolean biased) {
        return new HostExpert(
                activation,
                RandomMatrix.of(gate, width, HIDDEN, random),
                RandomMatrix.of(up, width, HIDDEN, random),
                RandomMatrix.of(down, HIDDEN, width, random),
                biased ? floats(width, random) : null,
                biased ? floats(width, random) : null,
                biased ? floats(HIDDEN, random) : null);
    }

    private HostExpert swiGlu(DType dtype, int width) {
        return expert(FfnActivation.SWIGLU, dtype, dtype, dtype, width, false);
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
    void computesEveryTypeAndActivation() {
        FfnActivation clamped = new FfnActivation.ClampedSwiGlu(0.8f, 1.702f);
        for (DType dtype : DType.values()) {
            List<HostExpert> experts = List.of(
                    expert(FfnActivation.SWIGLU, dtype, dtype, dtype, 256, false),
                    expert(clamped, dtype, dtype, dtype, 256, true),
                    expert(FfnActivation.GEGLU, dtype, dtype, dtype, 256, true),
                    expert(FfnActivation.RELU, dtype, dtype, dtype, 256, true));
            int[] starts = {0, 1, 3, 4, 9};
            int[] rows = {4, 0, 1, 2, 3, 4, 0, 1, 2};
            int[] outRows = {0, 8, 1, 2, 7, 6, 5, 4, 3};
            float[] x = floats(5 * HIDDEN, random);
            devices.assertCloseToLargest(TOLERANCE, SEED + ": " + dtype, work(experts, starts, rows, outRows, x));
        }
    }

    /// Types and widths differ between the experts of a batch, and between the matrices of one.
    @Test
    void computesExpertsOfSeveralKinds() {
        List<HostExpert> experts = List.of(
                expert(FfnActivation.SWIGLU, DType.Q8_0, DType.Q8_0, DType.Q4_0, 64, false),
                expert(FfnActivation.SWIGLU, DType.BF16, DType.Q8_0, DType.F32, 33, true),
                expert(FfnActivation.SWIGLU, DType.Q5_0, DType.Q5_0, DType.Q4_1, 32, true),
                expert(FfnActivation.SWIGLU, DType.Q8_0, DType.Q8_0, DType.Q8_0, 96, false));
        int[] starts = {0, 2, 5, 7, 8};
        int[] rows = {0, 1, 0, 1, 2, 2, 0, 1};
        int[] outRows = {0, 1, 2, 3, 4, 5, 6, 7};
        devices.assertCloseToLargest(
                TOLERANCE, SEED + ": kinds", work(experts, starts, rows, outRows, floats(3 * HIDDEN, random)));
    }

    /// More experts than tasks come with a launch.
    @Test
    void computesManyExperts() {
        List<HostExpert> experts = new ArrayList<>();
        for (int e = 0; e < 20; e++) {
            experts.add(swiGlu(DType.F16, 16));
        }
        int[] starts = new int[21];
        Arrays.setAll(starts, e -> e);
        int[] rows = new int[20];
        int[] outRows = new int[20];
        Arrays.setAll(outRows, i -> 19 - i);
        devices.assertCloseToLargest(
                TOLERANCE, SEED + ": many", work(experts, starts, rows, outRows, floats(HIDDEN, random)));
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
