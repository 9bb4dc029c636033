package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class OperandsTest {
    private static void assertRefused(String sentence, Executable check) {
        assertEquals(
                sentence, assertThrows(IllegalArgumentException.class, check).getMessage());
    }

    @Test
    void vectorsHaveAValueForEachColumnOrRow() {
        Operands.requireNorm(new float[4], new float[4], 4);
        Operands.requireColumns(new float[4], "biases", 4);
        Operands.requireFactors(new float[6], 3, 2);
        assertRefused("a norm of 4 columns has 3 weights", () -> Operands.requireNorm(new float[3], null, 4));
        assertRefused(
                "a norm of 4 columns has 4 weights and 5 biases",
                () -> Operands.requireNorm(new float[4], new float[5], 4));
        assertRefused("3 biases for 4 columns", () -> Operands.requireColumns(new float[3], "biases", 4));
        assertRefused("3 tokens with 2 rows each have 5 factors", () -> Operands.requireFactors(new float[5], 3, 2));
    }

    @Test
    void headsHaveWhatIsRotated() {
        RopeTable table = RopeTable.of(8, 10000, false, Optional.empty());
        Operands.requireRotation(table, 10, 2);
        assertRefused(
                "heads of 10 floats have no 8 to rotate from number 3 on",
                () -> Operands.requireRotation(table, 10, 3));
    }

    @Test
    void cachesHaveTheHeadsThatAreAttendedTo() {
        try (Arena arena = Arena.ofConfined()) {
            KvLayer cache = new KvLayer(arena, KvType.F16, 8, 2, 16);
            Operands.requireSuits(cache, new AttentionShape(4, 2, 16, 1, 0));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Operands.requireSuits(cache, new AttentionShape(4, 1, 16, 1, 0)));
            AttentionShape narrow = new AttentionShape(4, 2, 16, 1, 0).withValueDim(8);
            assertThrows(IllegalArgumentException.class, () -> Operands.requireSuits(cache, narrow));
            Operands.requireSuits(new KvLayer(arena, KvType.F16, 8, 2, 16, 8), narrow);
            LatentLayer latents = new LatentLayer(arena, KvType.F16, 8, 32, 8);
            Operands.requireSuits(latents, new LatentShape(4, 16, 8, 32, 1));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Operands.requireSuits(latents, new LatentShape(4, 16, 8, 16, 1)));
        }
    }

    @Test
    void channelsHaveTheSameNumberOfTapsAndRates() {
        Operands.requireConvolution(new float[12], new float[4], 4);
        Operands.requireRates(new float[8], 4);
        assertRefused(
                "a convolution of 4 channels has 13 taps", () -> Operands.requireConvolution(new float[13], null, 4));
        assertRefused(
                "a convolution of 4 channels has 12 taps and 3 biases",
                () -> Operands.requireConvolution(new float[12], new float[3], 4));
        assertRefused("9 rates for 4 channels", () -> Operands.requireRates(new float[9], 4));
    }
}
