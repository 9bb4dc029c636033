package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What every device does with memory, and when it is closed.
public abstract class DeviceContract {
    private static final long SEED = 4711;

    private Random random;
    private Device device;

    /// Opens a device, which the contract closes.
    protected abstract Device open();

    /// Returns what a device throws that has no memory left.
    protected abstract Class<? extends Throwable> ofNoMemory();

    @BeforeEach
    final void openDevice() {
        random = new Random(SEED);
        device = open();
    }

    @AfterEach
    final void closeDevice() {
        device.close();
    }

    private float[] floats(int length) {
        return RandomWeights.activations(length, random);
    }

    private float[] read(DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device.download(buffer, 0, floats.length, floats, 0);
        return floats;
    }

    /// More than goes through the staging memory of a GPU at a time.
    @Test
    void buffersAreZeroAndTakeWhatIsUploaded() {
        try (Arena arena = device.newArena()) {
            for (DeviceBuffer buffer :
                    new DeviceBuffer[] {device.allocate(1_200_005), device.allocate(1_200_005, arena)}) {
                float[] x = floats(1_200_000);
                device.upload(x, 0, x.length, buffer, 3);
                float[] expected = new float[1_200_005];
                System.arraycopy(x, 0, expected, 3, x.length);
                assertEquals(expected.length, buffer.length());
                assertArrayEquals(expected, read(buffer));
            }
        }
    }

    @Test
    void partsAreCopiedFromAndTo() {
        DeviceBuffer buffer = device.allocate(10);
        device.upload(new float[] {9, 1, 2, 3, 9}, 1, 3, buffer, 4);
        float[] found = new float[6];
        device.download(buffer, 5, 2, found, 3);
        assertArrayEquals(new float[] {0, 0, 0, 2, 3, 0}, found);
        device.upload(found, 0, 0, buffer, 10);
        device.download(buffer, 10, 0, found, 6);
        assertArrayEquals(new float[] {0, 0, 0, 0, 1, 2, 3, 0, 0, 0}, read(buffer));
        assertEquals(0, device.allocate(0).length());
    }

    @Test
    void refusesCopiesBeyondABufferAndBuffersOfOthers() {
        DeviceBuffer buffer = device.allocate(4);
        float[] floats = new float[8];
        assertRefused("the buffer holds 4 floats, but 5 are needed", () -> device.upload(floats, 0, 3, buffer, 2));
        assertRefused("the buffer holds 4 floats, but 5 are needed", () -> device.download(buffer, 2, 3, floats, 0));
        assertRefused("there are no 1 floats from number -1 on", () -> device.upload(floats, 0, 1, buffer, -1));
        try (Device other = open()) {
            DeviceBuffer others = other.allocate(4);
            String message = "the buffer belongs to another device: " + others;
            assertRefused(message, () -> device.upload(floats, 0, 1, others, 0));
            assertRefused(message, () -> device.download(others, 0, 1, floats, 0));
            assertRefused(message, () -> device.kernels().clear(others, 4));
        }
    }

    private static void assertRefused(String message, Executable call) {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, call);
        assertEquals(message, thrown.getMessage());
    }

    @Test
    void holdsWhatKernelsRead() {
        try (Arena host = Arena.ofShared();
                Arena arena = device.newArena()) {
            MemorySegment rows = RandomWeights.rowMajor(host, DType.F32, 16, 4, random);
            WeightMatrix matrix = RandomWeights.pack(host, DType.F32, rows, 16, 4);
            WeightMatrix held = device.hold(matrix, arena);
            MemorySegment bytes = MemorySegment.ofArray(new float[] {1, 2});
            if (device.readsMainMemory()) {
                assertSame(matrix, held);
                assertSame(bytes, device.hold(bytes, arena));
            } else {
                assertNotSame(matrix, held);
                assertEquals(8, device.hold(bytes, arena).byteSize());
            }
            assertEquals(0, held.bytes().address() % WeightMatrix.ALIGNMENT);
            DeviceBuffer out = device.allocate(4);
            device.kernels().embed(held, new int[] {3}, 0, 1, out);
            for (int i = 0; i < 4; i++) {
                assertEquals(matrix.get(3, i), read(out)[i]);
            }
        }
    }

    /// Copies to a slab arrive in their order, and after what an event was recorded behind.
    @Test
    void streamsCopyFromPinnedMemoryToSlabs() {
        try (Arena host = Arena.ofShared();
                Arena arena = device.newArena();
                DeviceStream stream = device.newStream();
                DeviceEvent event = device.newEvent()) {
            MemorySegment slab = device.allocateSlab(16 * 4 * Float.BYTES, arena);
            MemorySegment pinned = device.allocatePinned(2 * 64 * Float.BYTES, host);
            assertEquals(0, slab.address() % WeightMatrix.ALIGNMENT);
            assertEquals(0, pinned.address() % 4096);
            for (int i = 0; i < 128; i++) {
                pinned.setAtIndex(ValueLayout.JAVA_FLOAT, i, i < 64 ? 7 : i - 64);
            }
            event.record();
            stream.await(event);
            stream.copy(pinned.asSlice(0, 64 * Float.BYTES), slab);
            stream.copy(pinned.asSlice(64 * Float.BYTES), slab);
            stream.synchronize();
            DeviceBuffer out = device.allocate(4);
            device.kernels().embed(new WeightMatrix(DType.F32, 16, 4, slab), new int[] {5}, 0, 1, out);
            assertArrayEquals(new float[] {5, 21, 37, 53}, read(out)); // element c of row r is number 16 c + r
        }
    }

    @Test
    void memoryEndsWithItsArena() {
        Arena arena = device.newArena();
        MemorySegment slab = device.allocateSlab(4096, arena);
        assertTrue(slab.scope().isAlive());
        arena.close();
        assertFalse(slab.scope().isAlive());
        assertThrows(IllegalStateException.class, () -> device.allocateSlab(4096, arena));
    }

    @Test
    void goesOnWhereThereIsNoMemoryForMore() {
        try (Arena arena = device.newArena()) {
            assertThrows(ofNoMemory(), () -> device.allocateSlab(1L << 60, arena));
            DeviceBuffer buffer = device.allocate(5, arena);
            device.upload(new float[] {1, 2, 3, 4, 5}, 0, 5, buffer, 0);
            device.kernels().scale(buffer, 5, 2);
            assertArrayEquals(new float[] {2, 4, 6, 8, 10}, read(buffer));
        }
        assertTrue(device.availableBytes() > 0);
    }

    @Test
    void countsWhatOperationsKeep() {
        long before = device.workingBytes();
        assertTrue(before >= 0);
        try (Arena host = Arena.ofShared();
                Arena arena = device.newArena()) {
            MemorySegment rows = RandomWeights.rowMajor(host, DType.F32, 64, 64, random);
            WeightMatrix w = device.hold(RandomWeights.pack(host, DType.F32, rows, 64, 64), arena);
            ExpertBatch batch = new ExpertBatch();
            batch.begin(new int[] {0, 1}, new int[] {0, 1}, 2);
            batch.add(ExpertWeights.swiGlu(w, w, w), 0, 2);
            device.kernels().expertFfn(batch, device.allocate(128, arena), device.allocate(128, arena));
            assertTrue(device.workingBytes() > before);
        }
    }

    @Test
    void marksComeInTheirOrder() {
        DeviceBuffer buffer = device.allocate(1000);
        try (DeviceMarks marks = device.newMarks()) {
            for (int round = 0; round < 2; round++) {
                marks.set();
                device.kernels().clear(buffer, 1000);
                marks.set();
                double[] at = marks.take();
                assertEquals(2, at.length);
                assertTrue(at[0] <= at[1]);
            }
            assertEquals(0, marks.take().length);
        }
    }

    @Test
    void isDescribedInOneLine() {
        assertFalse(device.description().isBlank());
        assertFalse(device.description().contains("\n"));
    }

    @Test
    void closingTwiceIsClosingOnceAndWhatIsOpenMayBeClosedLater() {
        Arena arena = device.newArena();
        device.allocateSlab(4096, arena);
        device.close();
        device.close();
        arena.close();
    }

    @Test
    void isOfNoUseOnceClosed() {
        DeviceBuffer buffer = device.allocate(4);
        float[] floats = new float[4];
        device.close();
        for (Executable each : new Executable[] {
            () -> device.allocate(4),
            () -> device.upload(floats, 0, 4, buffer, 0),
            () -> device.download(buffer, 0, 4, floats, 0),
            () -> device.kernels().clear(buffer, 4),
            () -> device.kernels().copy(buffer, 2, buffer),
            () -> device.kernels().scale(buffer, 4, 2),
            () -> device.kernels().largest(buffer, 0, 4, 1, new Largest())
        }) {
            assertEquals(
                    "the device is closed",
                    assertThrows(IllegalStateException.class, each).getMessage());
        }
    }
}
