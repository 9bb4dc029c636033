package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.FfnActivation.ClampedSwiGlu;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What an expert gives does not depend, in any bit, on the experts that are computed with it.
class ExpertBatchTest {
    private static final int HIDDEN = 512; // whole blocks of every type
    private static final int INNER = 256;
    private static final int TOKENS = 40;

    /// Rows of three experts.
    private static final int[] SIZES = {1, 5, 2};

    private final Random random = new Random(7);
    private final Arena arena = Arena.ofShared();
    private final List<ExpertWeights> experts = new ArrayList<>();

    @AfterEach
    void free() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void oneTokenWithSeveralExperts(KernelChoice choice) {
        for (DType dtype : DType.values()) {
            makeExperts(8, dtype, dtype);
            assertSameTogetherAndAlone(choice, new int[] {1, 1, 1, 1, 1, 1, 1, 1}, new int[8]);
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void manyTokensInGroupsOfAllSizes(KernelChoice choice) {
        for (DType dtype : DType.values()) {
            makeExperts(5, dtype, dtype);
            int[] sizes = {1, 9, 1, 130, 2};
            assertSameTogetherAndAlone(
                    choice, sizes, random.ints(143, 0, TOKENS).toArray());
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void matricesOfDifferentTypes(KernelChoice choice) {
        makeExperts(2, DType.Q8_0, DType.BF16);
        addExperts(2, DType.F16, DType.Q8_0);
        assertSameTogetherAndAlone(choice, new int[] {1, 1, 1, 1}, new int[4]);
        assertSameTogetherAndAlone(choice, new int[] {3, 1, 2, 1}, new int[] {3, 4, 5, 3, 3, 9, 9});
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void expertsOfDifferentWidths(KernelChoice choice) {
        makeExperts(2, DType.Q8_0, DType.Q8_0);
        experts.add(expert(DType.Q8_0, DType.Q8_0, 3 * INNER));
        assertSameTogetherAndAlone(choice, new int[] {1, 1, 1}, new int[3]);
        assertSameTogetherAndAlone(choice, new int[] {2, 1, 4}, new int[] {8, 1, 2, 0, 1, 2, 3});
    }

    /// Whichever expert most tokens choose: a thread's own memory is left for the rest.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void noMoreIsKeptThanIsTold(KernelChoice choice) {
        makeExperts(4, DType.F32, DType.F32);
        int tokens = 128;
        List<int[]> sizes = List.of(
                new int[] {32, 32, 32, 32}, new int[] {125, 1, 1, 1}, new int[] {1, 1, 1, 125}, new int[] {1, 125, 1, 1
                });
        int[] rows = IntStream.range(0, tokens).toArray();
        float[] x = TestWeights.floats(tokens * HIDDEN, random);
        try (CpuDevice device = CpuDevice.open(2, choice)) {
            long told = device.workingBytes(new ProductSizes(0, (long) tokens * HIDDEN, (long) tokens * INNER));
            for (int[] each : sizes) {
                ExpertBatch batch = new ExpertBatch();
                batch.begin(rows, rows, tokens);
                for (int e = 0, from = 0; e < each.length; from += each[e++]) {
                    add(batch, e, from, each[e]);
                }
                run(device, batch, x, new float[tokens * HIDDEN]);
                long found = device.workingBytes();
                assertTrue(found < told + (256 << 10), choice + ": " + found + " bytes, expected " + told);
            }
        }
    }

    private void makeExperts(int count, DType gate, DType up) {
        experts.clear();
        addExperts(count, gate, up);
    }

    private void addExperts(int count, DType gate, DType up) {
        for (int i = 0; i < count; i++) {
            experts.add(expert(gate, up, INNER));
        }
    }

    private ExpertWeights expert(DType gate, DType up, int inner) {
        return ExpertWeights.swiGlu(
                TestWeights.matrix(arena, gate, inner, HIDDEN, random),
                TestWeights.matrix(arena, up, inner, HIDDEN, random),
                TestWeights.matrix(arena, gate, HIDDEN, inner, random));
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void otherActivationsAndBiases(KernelChoice choice) {
        for (FfnActivation activation : List.of(
                new ClampedSwiGlu(0.5f, 1.702f),
                new FfnActivation.LimitedSwiGlu(0.5f),
                new FfnActivation.CappedSwiGlu(0.5f),
                FfnActivation.SWIGLU,
                FfnActivation.GEGLU,
                FfnActivation.RELU,
                FfnActivation.SQUARED_RELU)) {
            experts.clear();
            for (int inner : new int[] {INNER, 40, INNER}) {
                experts.add(biased(activation, inner));
            }
            assertSameTogetherAndAlone(choice, new int[] {1, 1, 1}, new int[3]);
            int[] rows = random.ints(27, 0, TOKENS).toArray();
            assertSameTogetherAndAlone(choice, new int[] {20, 1, 6}, rows);
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void exactExpertsAreTheFormulaWhateverTheirWeights(KernelChoice choice) {
        int[] rows = random.ints(8, 0, TOKENS).toArray();
        for (DType dtype : DType.values()) {
            for (FfnActivation activation :
                    List.of(FfnActivation.SWIGLU, FfnActivation.RELU, FfnActivation.SQUARED_RELU)) {
                experts.clear();
                experts.add(biased(activation, INNER, dtype, dtype));
                experts.add(biased(activation, 2 * INNER, dtype, DType.Q8_0));
                experts.add(biased(activation, INNER, dtype, DType.BF16));
                assertExact(choice, rows);
            }
        }
    }

    /// Beside a device that rounds the activations of a prompt, all kernels round them as that does: to one of three
    /// digits, and so to the same numbers but for where those between the products lie on the border of two.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void besideADeviceThatRoundsAllKernelsRoundAlike(KernelChoice choice) {
        int[] rows = random.ints(8, 0, TOKENS).toArray();
        float[] x = TestWeights.floats(TOKENS * HIDDEN, random);
        for (DType dtype : DType.values()) {
            experts.clear();
            experts.add(biased(FfnActivation.SWIGLU, INNER, dtype, dtype));
            experts.add(biased(FfnActivation.RELU, 2 * INNER, dtype, dtype));
            experts.add(biased(FfnActivation.SWIGLU, INNER, dtype, DType.BF16));
            float[] expected = beside(KernelChoice.PLAIN, ActivationType.Q8, x, rows);
            float[] found = beside(choice, ActivationType.Q8, x, rows);
            double largest = largest(expected);
            int different = 0;
            for (int row = 0; row < rows.length; row++) {
                double off = largestDifference(expected, found, row);
                assertTrue(off <= 0.01 * largest, choice + " " + dtype + ": " + off);
                different += off > 2e-5 * largest ? 1 : 0;
            }
            assertTrue(different <= 1, choice + " " + dtype + ": " + different + " rows");
            boolean rounds = ActivationType.Q8.rounds(dtype, TOKENS) && ActivationType.digits(dtype) == 1;
            float[] exact = beside(choice, ActivationType.F32, x, rows);
            assertEquals(rounds, largestDifference(exact, found, 0) > 2e-5 * largest, choice + " " + dtype);
        }
    }

    private float[] beside(KernelChoice choice, ActivationType activations, float[] x, int[] rows) {
        int[] outRows = IntStream.range(0, rows.length).toArray();
        float[] found = new float[rows.length * HIDDEN];
        try (CpuDevice device = CpuDevice.openBeside(2, choice, Optional.empty(), activations)) {
            ExpertBatch batch = new ExpertBatch();
            batch.begin(rows, outRows, TOKENS);
            for (int e = 0, from = 0; e < SIZES.length; from += SIZES[e++]) {
                add(batch, e, from, SIZES[e]);
            }
            run(device, batch, x, found);
        }
        return found;
    }

    private static double largest(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    private static double largestDifference(float[] expected, float[] found, int row) {
        double off = 0;
        for (int i = row * HIDDEN; i < (row + 1) * HIDDEN; i++) {
            off = Math.max(off, Math.abs(expected[i] - found[i]));
        }
        return off;
    }

    private void assertExact(KernelChoice choice, int[] rows) {
        float[] x = TestWeights.floats(TOKENS * HIDDEN, random);
        float[] found = beside(choice, ActivationType.F32, x, rows);
        for (int e = 0, from = 0; e < SIZES.length; from += SIZES[e++]) {
            for (int i = from; i < from + SIZES[e]; i++) {
                double[] expected = formula(experts.get(e), x, rows[i] * HIDDEN);
                double largest = DoubleStream.of(expected).map(Math::abs).max().orElseThrow();
                for (int k = 0; k < HIDDEN; k++) {
                    // float32 sums of 512 terms, twice
                    assertEquals(expected[k], found[i * HIDDEN + k], 2e-5 * largest, choice + " " + experts.get(e));
                }
            }
        }
    }

    private ExpertWeights biased(FfnActivation activation, int inner) {
        return biased(activation, inner, DType.F32, DType.F32);
    }

    private ExpertWeights biased(FfnActivation activation, int inner, DType dtype, DType ofUp) {
        boolean gated = activation.isGated();
        return new ExpertWeights(
                activation,
                gated ? TestWeights.matrix(arena, dtype, inner, HIDDEN, random) : null,
                TestWeights.matrix(arena, ofUp, inner, HIDDEN, random),
                TestWeights.matrix(arena, dtype, HIDDEN, inner, random),
                gated ? bias(inner) : null,
                bias(inner),
                bias(HIDDEN));
    }

    private MemorySegment bias(int size) {
        return arena.allocateFrom(ValueLayout.JAVA_FLOAT, TestWeights.floats(size, random));
    }

    private static double[] formula(ExpertWeights expert, float[] x, int at) {
        double[] input = new double[HIDDEN];
        for (int k = 0; k < HIDDEN; k++) {
            input[k] = x[at + k];
        }
        double[] up = product(expert.up(), expert.upBias(), input);
        WeightMatrix gates = expert.gate();
        double[] gate = gates == null ? up : product(gates, expert.gateBias(), input);
        for (int i = 0; i < up.length; i++) {
            double g = gate[i];
            up[i] = switch (expert.activation()) {
                case FfnActivation.SwiGlu() -> g / (1 + Math.exp(-g)) * up[i];
                case ClampedSwiGlu(float limit, float alpha) -> {
                    double clamped = Math.min(g, limit);
                    yield clamped / (1 + Math.exp(-alpha * clamped)) * (Math.clamp(up[i], -limit, limit) + 1);
                }
                case FfnActivation.LimitedSwiGlu(float limit) -> {
                    double limited = Math.min(g, limit);
                    yield limited / (1 + Math.exp(-limited)) * Math.clamp(up[i], -limit, limit);
                }
                case FfnActivation.CappedSwiGlu(float limit) ->
                    Math.min(g / (1 + Math.exp(-g)), limit) * Math.clamp(up[i], -limit, limit);
                case FfnActivation.GeGlu() ->
                    0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g))) * up[i];
                case FfnActivation.Relu() -> Math.max(up[i], 0);
                case FfnActivation.SquaredRelu() -> Math.max(up[i], 0) * Math.max(up[i], 0);
            };
        }
        return product(expert.down(), expert.downBias(), up);
    }

    private static double[] product(WeightMatrix w, @Nullable MemorySegment bias, double[] x) {
        RowDecoder decoder = new RowDecoder();
        float[] row = new float[w.cols()];
        double[] y = new double[w.rows()];
        for (int i = 0; i < y.length; i++) {
            decoder.decode(w, i, row, 0);
            y[i] = bias == null ? 0 : bias.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            for (int k = 0; k < row.length; k++) {
                y[i] += row[k] * x[k];
            }
        }
        return y;
    }

    private void assertSameTogetherAndAlone(KernelChoice choice, int[] sizes, int[] rows) {
        int[] outRows =
                IntStream.range(0, rows.length).map(i -> rows.length - 1 - i).toArray();
        float[] x = TestWeights.floats(TOKENS * HIDDEN, random);
        float[] expected = new float[rows.length * HIDDEN];
        try (CpuDevice device = CpuDevice.open(1, choice)) {
            ExpertBatch batch = new ExpertBatch();
            for (int e = 0, from = 0; e < sizes.length; from += sizes[e++]) {
                batch.begin(rows, outRows, TOKENS);
                add(batch, e, from, sizes[e]);
                run(device, batch, x, expected);
            }
        }
        try (CpuDevice device = CpuDevice.open(2, choice)) {
            ExpertBatch batch = new ExpertBatch();
            batch.begin(rows, outRows, TOKENS);
            for (int e = 0, from = 0; e < sizes.length; from += sizes[e++]) {
                add(batch, e, from, sizes[e]);
            }
            float[] together = new float[expected.length];
            run(device, batch, x, together);
            assertArrayEquals(
                    expected, together, choice + " " + experts.getFirst().up().dtype());
        }
    }

    private void add(ExpertBatch batch, int expert, int from, int n) {
        batch.add(experts.get(expert), from, n);
    }

    /// Adds what the batch writes to `sum`; the other rows stay as they are.
    private static void run(CpuDevice device, ExpertBatch batch, float[] x, float[] sum) {
        DeviceBuffer in = device.allocate(x.length);
        device.upload(x, 0, x.length, in, 0);
        DeviceBuffer out = device.allocate(sum.length);
        device.kernels().expertFfn(batch, in, out);
        float[] result = new float[sum.length];
        device.download(out, 0, sum.length, result, 0);
        for (int i = 0; i < sum.length; i++) {
            sum[i] += result[i];
        }
    }
}
