package io.moetier.kernels.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class KernelArgumentsTest {
    @Test
    void pointsToEachValue() {
        try (Arena arena = Arena.ofConfined()) {
            KernelArguments arguments =
                    new KernelArguments(3, arena).set(0, 1L << 40).set(1, -7).set(2, 0.5f);

            assertEquals(1L << 40, value(arguments, 0).get(JAVA_LONG, 0));
            assertEquals(-7, value(arguments, 1).get(JAVA_INT, 0));
            assertEquals(0.5f, value(arguments, 2).get(JAVA_FLOAT, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> arguments.set(3, 1));
        }
    }

    @SuppressWarnings("restricted") // as the driver reads it
    private static MemorySegment value(KernelArguments arguments, int index) {
        MemorySegment pointers =
                MemorySegment.ofAddress(arguments.address()).reinterpret(arguments.count() * JAVA_LONG.byteSize());
        return MemorySegment.ofAddress(pointers.getAtIndex(JAVA_LONG, index)).reinterpret(JAVA_LONG.byteSize());
    }
}
