package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.storage.model.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Experts that compute a prompt, whose activations are rounded.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoundedExpertsTest {
    private static final long SEED = 4711;
    private static final int HIDDEN = 256;
    private static final int TOKENS = 12;

    /// Of the largest result: float32 sums of 256 terms, twice, and an exponential, as of [ExpertsTest].
    private static final double TOLERANCE = 1e-5;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair(EmulatedOptions.DEFAULT, ActivationType.Q8);

    @AfterAll
    void close() {
        devices.close();
    }

    /// An expert and the rows that it reads.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Host(HostExpert expert, int[] rows) {}

    private Host expert(FfnActivation activation, DType gate, DType up, DType down, int width, int... rows) {
        HostExpert expert = new HostExpert(
                activation,
                RandomWeights.matrix(gate, width, HIDDEN, random),
                RandomWeights.matrix(up, width, HIDDEN, random),
                RandomWeights.matrix(down, HIDDEN, width, random),
                null,
                floats(width, random),
                floats(HIDDEN, random));
        return new Host(expert, rows);
    }

    /// Computes experts together, those of each list in a batch of their own; each writes the rows behind those of the
    /// ones before it.
    private static DevicePair.Work work(List<List<Host>> batches, float[] x) {
        int[] rows = batches.stream()
                .flatMap(List::stream)
                .flatMapToInt(expert -> IntStream.of(expert.rows))
                .toArray();
        int[] outRows = IntStream.range(0, rows.length).toArray();
        return (device, arena) -> {
            DeviceBuffer in = buffer(device, arena, x);
            DeviceBuffer out = device.allocate(rows.length * HIDDEN, arena);
            ExpertBatch batch = new ExpertBatch();
            int at = 0;
            for (List<Host> experts : batches) {
                batch.begin(rows, outRows, TOKENS);
                for (Host expert : experts) {
                    batch.add(expert.expert.on(device, arena), at, expert.rows.length);
                    at += expert.rows.length;
                }
                device.kernels().expertFfn(batch, in, out);
            }
            return out;
        };
    }

    /// Rows that some experts read and some do not, one row, and more than are computed together.
    private List<Host> experts(FfnActivation activation, DType dtype) {
        int[] many = new int[35];
        Arrays.setAll(many, i -> i % TOKENS);
        return List.of(
                expert(activation, dtype, dtype, dtype, 256, 4, 0, 11),
                expert(activation, dtype, dtype, dtype, 512, 7),
                expert(activation, dtype, dtype, dtype, 256, many));
    }

    /// Where no exponential is between the products, both compute the same bits.
    @Test
    void givesTheBitsOfTheNativeKernels() {
        try (Device cpu = CpuDevice.open(1, KernelChoice.NATIVE)) {
            for (DType dtype : DType.values()) {
                if (ActivationType.Q8.rounds(dtype, TOKENS)) {
                    DevicePair.Work work =
                            work(List.of(experts(FfnActivation.RELU, dtype)), floats(TOKENS * HIDDEN, random));
                    assertArrayEquals(DevicePair.on(cpu, work), devices.onCuda(work), SEED + ": " + dtype);
                }
            }
        } catch (IllegalArgumentException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("native"), "there are none here");
        }
    }

    /// The processor beside a device computes experts with the same rounded activations. What is between the products
    /// differs by roundings there, which now and then become one of eight bits: of one row at most.
    @Test
    void nearlyAgreesWithTheProcessorBesideIt() {
        try (Device cpu = CpuDevice.openBeside(1, KernelChoice.PLAIN, Optional.empty(), ActivationType.Q8)) {
            for (DType dtype : DType.values()) {
                for (FfnActivation activation : List.of(FfnActivation.SWIGLU, FfnActivation.GEGLU)) {
                    DevicePair.Work work = work(List.of(experts(activation, dtype)), floats(TOKENS * HIDDEN, random));
                    requireNearlyAlike(DevicePair.on(cpu, work), devices.onCuda(work), dtype + " " + activation);
                }
            }
        }
    }

    private static void requireNearlyAlike(float[] expected, float[] found, String what) {
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        int different = 0;
        for (int row = 0; row < expected.length / HIDDEN; row++) {
            boolean alike = true;
            for (int i = row * HIDDEN; i < (row + 1) * HIDDEN; i++) {
                alike &= Math.abs(expected[i] - found[i]) <= TOLERANCE * largest;
                assertEquals(expected[i], found[i], 0.01 * largest, () -> SEED + ": " + what);
            }
            different += alike ? 0 : 1;
        }
        assertTrue(different <= 1, SEED + ": " + what + ": " + different + " rows");
    }

    /// Types and widths differ, and what is not rounded lies between what is; in whatever groups experts arrive.
    @Test
    void whatAnExpertGivesDependsOnNoOther() {
        List<Host> experts = List.of(
                expert(FfnActivation.SWIGLU, DType.Q4_K, DType.Q4_K, DType.Q6_K, 256, 1, 2, 3),
                expert(FfnActivation.SWIGLU, DType.MXFP4, DType.MXFP4, DType.MXFP4, 64, 0, 5),
                expert(FfnActivation.SWIGLU, DType.Q8_0, DType.Q4_0, DType.BF16, 33, 8, 9, 10, 11),
                expert(FfnActivation.SWIGLU, DType.Q4_K, DType.Q4_K, DType.Q3_K, 256, 6),
                expert(FfnActivation.RELU, DType.Q4_K, DType.Q4_K, DType.Q4_K, 512, 7, 1));
        float[] x = floats(TOKENS * HIDDEN, random);
        float[] together = devices.onCuda(work(List.of(experts), x));
        List<List<Host>> alone = new ArrayList<>();
        experts.forEach(expert -> alone.add(List.of(expert)));
        assertArrayEquals(together, devices.onCuda(work(alone, x)), SEED + ": alone");
        float[] inGroups = devices.onCuda(work(List.of(experts.subList(0, 2), experts.subList(2, 5)), x));
        assertArrayEquals(together, inGroups, SEED + ": in groups");
    }

    /// One launch before each of the two that multiply.
    @Test
    void expertsOfOneTypeTakeFourLaunches() {
        if (!devices.isEmulated()) {
            return;
        }
        List<Host> experts = experts(FfnActivation.SWIGLU, DType.Q4_0);
        long before = devices.calls("cuLaunchKernel");
        devices.onCuda(work(List.of(experts), floats(TOKENS * HIDDEN, random)));
        assertEquals(4, devices.calls("cuLaunchKernel") - before);
    }
}
