package io.moetier.emulator.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
    private static final int BYTES = 200_000;

    private static DeviceFault fault(FaultKind kind, Runnable action) {
        DeviceFault fault = assertThrows(DeviceFault.class, action::run);
        assertEquals(kind, fault.kind(), fault.reason());
        return fault;
    }

    @Test
    void addressesAreAlignedAndNeverComeAgain() {
        try (DeviceMemory memory = new DeviceMemory(1 << 20, FreshMemory.FAULTS)) {
            long first = memory.allocate(100);
            memory.free(first);
            long second = memory.allocate(100);
            assertNotEquals(first, second);
            assertEquals(0, second % 512);
            assertTrue(second > 1L << 48, "no address that a processor has");
        }
    }

    @Test
    void countsWhatIsInUse() {
        DeviceMemory memory = new DeviceMemory(4096, FreshMemory.ZERO);
        long a = memory.allocate(1);
        long b = memory.allocate(3000);
        assertEquals(512 + 3072, memory.usedBytes());
        assertEquals(2, memory.liveAllocations());
        DeviceFault fault = fault(FaultKind.OUT_OF_MEMORY, () -> memory.allocate(513));
        assertTrue(fault.reason().contains("513 bytes: 512 of 4096 are free"), fault.reason());
        memory.free(a);
        memory.free(b);
        assertEquals(0, memory.usedBytes());
        assertEquals(0, memory.liveAllocations());
        assertEquals(3584, memory.peakBytes());
        memory.allocate(4096);
        memory.close();
        assertEquals(0, memory.liveAllocations());
    }

    @Test
    void refusesToFreeWhatIsNotThere() {
        try (DeviceMemory memory = new DeviceMemory(4096, FreshMemory.ZERO)) {
            long a = memory.allocate(64);
            fault(FaultKind.INVALID_VALUE, () -> memory.free(a + 8));
            fault(FaultKind.INVALID_VALUE, () -> memory.free(12345));
            memory.free(a);
            assertTrue(fault(FaultKind.INVALID_VALUE, () -> memory.free(a))
                    .reason()
                    .contains("twice"));
        }
    }

    @Test
    void copiesOnlyWithinOneLiveAllocation() {
        try (DeviceMemory memory = new DeviceMemory(4096, FreshMemory.ZERO);
                Arena arena = Arena.ofConfined()) {
            long a = memory.allocate(64);
            MemorySegment host = arena.allocate(65);
            memory.write(a, host.asSlice(0, 64));
            DeviceFault past = fault(FaultKind.INVALID_VALUE, () -> memory.write(a, host));
            assertTrue(past.reason().contains("1 bytes past the end"), past.reason());
            fault(FaultKind.INVALID_VALUE, () -> memory.read(a - 1, host.asSlice(0, 1)));
            memory.free(a);
            DeviceFault freed = fault(FaultKind.INVALID_VALUE, () -> memory.read(a, host.asSlice(0, 8)));
            assertTrue(freed.reason().contains("use after free"), freed.reason());
        }
    }

    @Test
    void fillsUnitsOfEachSize() {
        try (DeviceMemory memory = new DeviceMemory(4096, FreshMemory.FAULTS);
                Arena arena = Arena.ofConfined()) {
            long a = memory.allocate(12);
            memory.fill(a, 0xab, 1, 4);
            memory.fill(a + 4, 0xcdef, 2, 2);
            memory.fill(a + 8, 0x12345678, 4, 1);
            MemorySegment host = arena.allocate(12);
            memory.read(a, host);
            assertEquals(0xabababab, host.get(ValueLayout.JAVA_INT, 0));
            assertEquals(0xcdefcdef, host.get(ValueLayout.JAVA_INT, 4));
            assertEquals(0x12345678, host.get(ValueLayout.JAVA_INT, 8));
            fault(FaultKind.INVALID_VALUE, () -> memory.fill(a + 2, 0, 4, 1));
        }
    }

    @Test
    void freshMemoryIsNotRead() {
        try (DeviceMemory memory = new DeviceMemory(1 << 20, FreshMemory.FAULTS);
                Arena arena = Arena.ofConfined()) {
            long a = memory.allocate(1 << 18);
            long b = memory.allocate(1 << 18);
            MemorySegment host = arena.allocate(1 << 18);
            memory.write(a, host.asSlice(0, (1 << 18) - 1));
            DeviceFault fault = fault(FaultKind.UNINITIALISED_READ, () -> memory.read(a, host));
            assertTrue(fault.reason().contains("byte 262143"), fault.reason());
            memory.copy(a, b, 1 << 18);
            fault(FaultKind.UNINITIALISED_READ, () -> memory.read(b, host));
            memory.read(b, host.asSlice(0, (1 << 18) - 1));
        }
    }

    @Test
    void poisonIsNotANumber() {
        try (DeviceMemory memory = new DeviceMemory(4096, FreshMemory.POISONED);
                Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4);
            memory.read(memory.allocate(4), host);
            assertTrue(Float.isNaN(host.get(ValueLayout.JAVA_FLOAT, 0)));
        }
    }

    @Test
    void hostMemoryIsMappedAndStaysTheHosts() {
        try (DeviceMemory memory = new DeviceMemory(0, FreshMemory.FAULTS);
                Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(16);
            long a = memory.map(host);
            memory.fill(a, 7, 1, 16);
            assertEquals(7, host.get(ValueLayout.JAVA_BYTE, 15));
            assertEquals(1, memory.liveAllocations());
            memory.free(a);
            assertEquals(7, host.get(ValueLayout.JAVA_BYTE, 15));
        }
    }

    @Test
    void findsTheAllocationOfAnAddress() {
        try (DeviceMemory memory = new DeviceMemory(1 << 20, FreshMemory.ZERO)) {
            long[] addresses = new long[100];
            for (int i = 0; i < addresses.length; i++) {
                addresses[i] = memory.allocate(i + 1);
            }
            for (int i = 0; i < addresses.length; i++) {
                Allocation found = memory.find(addresses[i] + i);
                assertTrue(found != null && found.address() == addresses[i]);
                assertNull(memory.find(addresses[i] + i + 1));
            }
            assertNull(memory.find(0));
        }
    }

    @Test
    void bytesAreInitialisedOneByOne() {
        Seeds.each(300, (_, random) -> markCopyAndLook(marks(random)));
    }

    /// Up to 30 positions, at the edges more often than elsewhere.
    private static int[] marks(SplittableRandom random) {
        int[] edges = {0, 1, 7, 8, 63, 64, BYTES / 2, BYTES - 64, BYTES - 2, BYTES - 1};
        return random.ints(random.nextInt(31), 0, BYTES)
                .map(mark -> random.nextInt(6) == 0 ? edges[random.nextInt(edges.length)] : mark)
                .toArray();
    }

    private static void markCopyAndLook(int[] marks) {
        Initialised tested = new Initialised(BYTES);
        Initialised copied = new Initialised(BYTES);
        boolean[] expected = new boolean[BYTES];
        for (int i = 0; i + 1 < marks.length; i += 2) {
            int start = Math.min(marks[i], marks[i + 1]);
            int end = Math.max(marks[i], marks[i + 1]);
            if (i % 4 == 0) {
                tested.markRange(start, end);
                java.util.Arrays.fill(expected, start, end, true);
            } else {
                tested.mark(start & ~7, 8);
                java.util.Arrays.fill(expected, start & ~7, (start & ~7) + 8, true);
            }
        }
        copied.markRange(500, 150_000);
        copied.copy(tested, 0, 1000, 100_000);
        for (int i : marks) {
            assertEquals(expected[i], tested.holds(i, 1));
            boolean inCopy = i >= 1000 && i < 101_000;
            assertEquals(inCopy ? expected[i - 1000] : i >= 500 && i < 150_000, copied.holds(i, 1));
        }
        int first = 0;
        while (first < expected.length && expected[first]) {
            first++;
        }
        assertEquals(first, tested.firstMissing(0, expected.length));
    }

    @Test
    void whatSomebodyElseHasIsNotFreeAndComesBack() {
        try (DeviceMemory memory = new DeviceMemory(4096, FreshMemory.ZERO)) {
            long address = memory.allocate(1024);
            memory.leaveToOthers(2048);
            assertEquals(1024, memory.freeBytes());
            memory.leaveToOthers(1 << 20);
            assertEquals(0, memory.freeBytes());
            assertThrows(DeviceFault.class, () -> memory.allocate(512));
            memory.free(address);
            assertEquals(0, memory.freeBytes(), "whoever waits for it has it");
            memory.leaveToOthers(0);
            assertEquals(4096, memory.freeBytes());
        }
    }
}
