package io.moetier.kernels.cpu.arithmetic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LanesTest {
    @Test
    void exponentiatesWithinTwoUnitsAndTheSameInVectorsAndScalars() {
        float[] x = new float[Lanes.WIDTH + 1];
        float[] results = new float[Lanes.WIDTH + 1];
        for (float exponent = -90; exponent < 88; exponent += 0.0137f) {
            Arrays.fill(x, exponent);
            Lanes.exp(x, 0, x.length, 1f, 0f, results, 0);
            assertEquals(results[0], results[Lanes.WIDTH]);
            double expected = exponent < -87.3f ? 0 : Math.exp(exponent);
            assertEquals(expected, results[0], expected * 0x1p-22, "e^" + exponent);
        }
        Lanes.exp(new float[] {2f, Float.NEGATIVE_INFINITY}, 0, 2, 1f, -2f, results, 0);
        assertEquals(1f, results[0]);
        assertEquals(0f, results[1]);
    }

    @Test
    void readsEveryFiniteHalf() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment halves = arena.allocate(2L * Lanes.WIDTH);
            float[] results = new float[Lanes.WIDTH];
            for (int bits = 0; bits < 0x10000; bits++) {
                if ((bits & 0x7C00) != 0x7C00) {
                    halves.setAtIndex(ValueLayout.JAVA_SHORT, 0, (short) bits);
                    Lanes.halves(halves, 0).mul(Lanes.HALF_BIAS).intoArray(results, 0);
                    assertEquals(Float.float16ToFloat((short) bits), results[0]);
                }
            }
        }
    }
}
