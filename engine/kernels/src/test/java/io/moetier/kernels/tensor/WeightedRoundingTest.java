package io.moetier.kernels.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Rounding by what errors in a column count.
class WeightedRoundingTest {
    private static final int ROWS = 40;
    private static final int COLS = 2560; // more than are rounded together

    private final Random random = new Random(Long.getLong("seed", 11L));
    private final float[] weights = new float[ROWS * COLS];
    private final float[] importance = new float[COLS];

    WeightedRoundingTest() {
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian() / 32;
        }
        for (int i = 0; i < COLS; i++) {
            importance[i] = (float) Math.exp(2 * random.nextGaussian() - 2);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q4_K", "Q6_K"})
    void errorsAreSmallerWhereTheyCount(DType target) {
        double plain = error(pack(target, Optional.empty()));
        double weighed = error(pack(target, Optional.of(importance)));
        assertTrue(weighed < 0.9 * plain, () -> weighed + " is not much less than " + plain);
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void columnsThatCountTheSameGiveWhatNoImportanceGives(DType target) {
        float[] ones = new float[COLS];
        Arrays.fill(ones, 1);
        assertEquals(
                -1,
                pack(target, Optional.empty())
                        .bytes()
                        .mismatch(pack(target, Optional.of(ones)).bytes()));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "Q2_K", "Q4_K"})
    void weightsThatKeepTheirTypeAndOtherCountsAreRefused(DType target) {
        float[] few = target == DType.Q4_K ? new float[COLS - 1] : importance;
        assertThrows(IllegalArgumentException.class, () -> pack(target, Optional.of(few)));
    }

    private WeightMatrix pack(DType target, Optional<float[]> columns) {
        Arena arena = Arena.ofAuto();
        MemorySegment plain = arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights);
        MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(target, ROWS, COLS), WeightMatrix.ALIGNMENT);
        if (columns.isPresent()) {
            WeightPacker.pack(DType.F32, plain, target, ROWS, COLS, packed, columns.get());
        } else {
            WeightPacker.pack(DType.F32, plain, target, ROWS, COLS, packed);
        }
        return new WeightMatrix(target, ROWS, COLS, packed);
    }

    private double error(WeightMatrix w) {
        float[] decoded = new float[COLS];
        double sum = 0;
        for (int row = 0; row < ROWS; row++) {
            new RowDecoder().decode(w, row, decoded, 0);
            for (int i = 0; i < COLS; i++) {
                double error = decoded[i] - weights[row * COLS + i];
                sum += error * error * importance[i];
            }
        }
        return sum;
    }
}
