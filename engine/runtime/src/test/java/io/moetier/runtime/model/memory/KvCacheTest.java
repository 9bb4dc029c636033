package io.moetier.runtime.model.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is said of a cache's memory ahead is what it takes.
class KvCacheTest {
    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v4", "glm_moe_dsa", "jamba", "minimax_m3", "mixtral"})
    void bytesAreThoseThatAreAllocated(String name) {
        ModelSpec spec = spec(name);
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);
                KvCache cache = new KvCache(spec, KvType.F16, 5000, device)) {
            for (int positions : new int[] {0, 1, 7, 256, 257, 1024, 1027, 2048, 5000}) {
                long growth = cache.growthBytes(positions);
                long before = cache.allocatedBytes();
                cache.reserve(positions);
                assertEquals(before + growth, cache.allocatedBytes(), name + ": " + positions);
                assertEquals(KvCache.allocatedBytes(spec, KvType.F16, positions), cache.allocatedBytes());
                assertTrue(KvCache.bytes(spec, KvType.F16, positions) <= cache.allocatedBytes());
                assertEquals(0, cache.growthBytes(positions / 2));
            }
        }
    }

    /// The rows of another input replace those of the one before.
    @Test
    void whatAnInputHasOutgrownIsFreed() {
        ModelSpec spec = spec("nllb_moe");
        CountedMemory memory = new CountedMemory();
        try (KvCache once = new KvCache(spec, KvType.F16, 8, memory.device())) {
            long before = memory.floats();
            long told = once.inputBytes(30);
            once.sequences().beginInput(30);
            long needed = memory.floats();
            assertEquals(Float.BYTES * (needed - before), told);
            assertEquals(0, once.inputBytes(30), "it is there");
            try (KvCache cache = new KvCache(spec, KvType.F16, 8, memory.device())) {
                for (int length : new int[] {10, 20, 0, 15, 30, 25}) {
                    cache.sequences().beginInput(length);
                    assertEquals(length, cache.sequences().inputLength());
                }
                assertEquals(2 * needed, memory.floats());
            }
            assertEquals(needed, memory.floats());
        }
        assertEquals(0, memory.floats());
    }

    /// A session that cannot be had leaves nothing on the device.
    @ParameterizedTest
    @ValueSource(strings = {"jamba", "nllb_moe"})
    void whatWasAllocatedBeforeThereIsNoRoomIsFreed(String name) {
        ModelSpec spec = spec(name);
        CountedMemory memory = new CountedMemory();
        memory.most = 2;
        assertThrows(CountedMemory.Full.class, () -> new KvCache(spec, KvType.F16, 8, memory.device()));
        assertEquals(0, memory.floats());
    }

    private static ModelSpec spec(String name) {
        return Families.describe(Json.readObject(TestData.golden(name).resolve("config.json")));
    }

    /// A device that counts what is allocated, and computes nothing.
    private static final class CountedMemory {
        private final IdentityHashMap<Arena, Long> floats = new IdentityHashMap<>();
        private int buffers;
        private int most = Integer.MAX_VALUE;

        private static final class Full extends RuntimeException {
            private static final long serialVersionUID = 1L;
        }

        private record Buffer(int length) implements DeviceBuffer {}

        private record Counted(Arena of, IdentityHashMap<Arena, Long> floats) implements Arena {
            @Override
            public MemorySegment allocate(long byteSize, long byteAlignment) {
                return of.allocate(byteSize, byteAlignment);
            }

            @Override
            public MemorySegment.Scope scope() {
                return of.scope();
            }

            @Override
            public void close() {
                floats.remove(this);
                of.close();
            }
        }

        long floats() {
            return floats.values().stream().mapToLong(Long::longValue).sum();
        }

        @SuppressWarnings("MustBeClosedChecker") // by whoever asked for it
        private @Nullable Object call(String method, Object[] arguments) {
            return switch (method) {
                case "newArena" -> new Counted(Arena.ofConfined(), floats);
                case "allocate" -> allocate((int) arguments[0], (Arena) arguments[1]);
                case "kernels" -> null;
                default -> throw new UnsupportedOperationException(method);
            };
        }

        private Buffer allocate(int length, Arena arena) {
            if (buffers++ == most) {
                throw new Full();
            }
            floats.merge(arena, (long) length, Long::sum);
            return new Buffer(length);
        }

        Device device() {
            return (Device) Proxy.newProxyInstance(
                    Device.class.getClassLoader(),
                    new Class<?>[] {Device.class},
                    (_, method, arguments) -> call(method.getName(), arguments));
        }
    }
}
