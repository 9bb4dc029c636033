package io.moetier.engine.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class LanesTest {
    @Test
    void exponentiatesWithinTwoUnitsAndTheSameInVectorsAndScalars() {
        float[] results = new float[Lanes.WIDTH];
        for (float x = -90; x < 88; x += 0.0137f) {
            float result = Lanes.exp(x);
            Lanes.exp(FloatVector.broadcast(Lanes.F, x)).intoArray(results, 0);
            assertEquals(result, results[0]);
            double expected = x < -87.3f ? 0 : Math.exp(x);
            assertEquals(expected, result, expected * 0x1p-22, "e^" + x);
        }
        assertEquals(0f, Lanes.exp(Float.NEGATIVE_INFINITY));
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
