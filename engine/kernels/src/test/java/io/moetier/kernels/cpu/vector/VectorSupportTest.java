package io.moetier.kernels.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class VectorSupportTest {
    @Test
    void vectorsNeedWidthAndFusedMultiplyAdd() {
        for (int bits : new int[] {128, 256, 512}) {
            assertEquals(Optional.empty(), new VectorSupport(bits, true).objection());
            assertEquals(
                    Optional.of("there is no fused multiply-add here"), new VectorSupport(bits, false).objection());
        }
        assertEquals(Optional.of("this JVM has no vectors here"), new VectorSupport(64, true).objection());
        assertEquals(Optional.of("this JVM has no vectors here"), new VectorSupport(0, false).objection());
    }

    @Test
    void onlyWhatIsManyTimesSlowerIsSlow() {
        assertTrue(VectorSupport.isFast(0, 0));
        assertTrue(VectorSupport.isFast(1_500, 40)); // a coarse clock and a cold start
        assertTrue(VectorSupport.isFast(3_000, 250));
        assertFalse(VectorSupport.isFast(120_000, 250));
    }
}
