package io.moetier.kernels.cpu.bandwidth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryBandwidthTest {
    private static final int BYTES = 4096;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void threadsReadTogether(int threads) {
        try (MemoryBandwidth memory = MemoryBandwidth.open(12 << 20)) {
            assertTrue(memory.passBytesPerSecond(threads) > 0);
            assertTrue(memory.bytesPerSecond(threads) > 0);
            assertTrue(memory.passBytesPerSecond(threads) > 0);
        }
    }

    @Test
    void everyByteIsRead() {
        MemorySegment memory = MemorySegment.ofArray(new long[BYTES / Long.BYTES]);
        VectorSum sum = new VectorSum();
        long expectedSum = sum.read(memory, 0, BYTES);
        assertEquals(-1, MemoryReading.compare(memory, 0, BYTES));
        for (int i = 0; i < BYTES; i++) {
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) 1);
            assertEquals(i % (BYTES / 2), MemoryReading.compare(memory, 0, BYTES));
            assertNotEquals(expectedSum, sum.read(memory, 0, BYTES));
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) 0);
        }
    }
}
