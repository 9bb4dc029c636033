package io.moetier.engine.device.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.device.ExpertBatch;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What an expert gives does not depend, in any bit, on the experts that are computed with it.
class ExpertBatchTest {
    private static final int HIDDEN = 512; // whole blocks of every type
    private static final int INNER = 256;
    private static final int TOKENS = 40;

    private final Random random = new Random(7);
    private final Arena arena = Arena.ofShared();
    private final List<WeightMatrix[]> experts = new ArrayList<>();

    @AfterEach
    void free() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.moetier.engine.device.cpu.KernelTiers#all")
    void oneTokenWithSeveralExperts(KernelChoice choice) {
        for (DType dtype : TestWeights.TYPES) {
            makeExperts(8, dtype, dtype);
            assertSameTogetherAndAlone(choice, new int[] {1, 1, 1, 1, 1, 1, 1, 1}, new int[8]);
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.engine.device.cpu.KernelTiers#all")
    void manyTokensInGroupsOfAllSizes(KernelChoice choice) {
        for (DType dtype : TestWeights.TYPES) {
            makeExperts(5, dtype, dtype);
            int[] sizes = {1, 9, 1, 130, 2};
            assertSameTogetherAndAlone(
                    choice, sizes, random.ints(143, 0, TOKENS).toArray());
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.engine.device.cpu.KernelTiers#all")
    void matricesOfDifferentTypes(KernelChoice choice) {
        makeExperts(2, DType.Q8_0, DType.BF16);
        addExperts(2, DType.F16, DType.Q8_0);
        assertSameTogetherAndAlone(choice, new int[] {1, 1, 1, 1}, new int[4]);
        assertSameTogetherAndAlone(choice, new int[] {3, 1, 2, 1}, new int[] {3, 4, 5, 3, 3, 9, 9});
    }

    @ParameterizedTest
    @MethodSource("io.moetier.engine.device.cpu.KernelTiers#all")
    void expertsOfDifferentWidths(KernelChoice choice) {
        makeExperts(2, DType.Q8_0, DType.Q8_0);
        experts.add(expert(DType.Q8_0, DType.Q8_0, 3 * INNER));
        assertSameTogetherAndAlone(choice, new int[] {1, 1, 1}, new int[3]);
        assertSameTogetherAndAlone(choice, new int[] {2, 1, 4}, new int[] {8, 1, 2, 0, 1, 2, 3});
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

    private WeightMatrix[] expert(DType gate, DType up, int inner) {
        return new WeightMatrix[] {
            TestWeights.matrix(arena, gate, inner, HIDDEN, random),
            TestWeights.matrix(arena, up, inner, HIDDEN, random),
            TestWeights.matrix(arena, gate, HIDDEN, inner, random)
        };
    }

    private void assertSameTogetherAndAlone(KernelChoice choice, int[] sizes, int[] rows) {
        int[] outRows =
                IntStream.range(0, rows.length).map(i -> rows.length - 1 - i).toArray();
        float[] x = TestWeights.floats(TOKENS * HIDDEN, random);
        float[] expected = new float[rows.length * HIDDEN];
        try (CpuDevice device = CpuDevice.open(1, choice)) {
            ExpertBatch batch = new ExpertBatch();
            for (int e = 0, from = 0; e < sizes.length; from += sizes[e++]) {
                batch.begin(rows, outRows);
                add(batch, e, from, sizes[e]);
                run(device, batch, x, expected);
            }
        }
        try (CpuDevice device = CpuDevice.open(2, choice)) {
            ExpertBatch batch = new ExpertBatch();
            batch.begin(rows, outRows);
            for (int e = 0, from = 0; e < sizes.length; from += sizes[e++]) {
                add(batch, e, from, sizes[e]);
            }
            float[] together = new float[expected.length];
            run(device, batch, x, together);
            assertArrayEquals(expected, together, choice + " " + experts.getFirst()[0].dtype());
        }
    }

    private void add(ExpertBatch batch, int expert, int from, int n) {
        WeightMatrix[] matrices = experts.get(expert);
        batch.add(matrices[0], matrices[1], matrices[2], from, n);
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
