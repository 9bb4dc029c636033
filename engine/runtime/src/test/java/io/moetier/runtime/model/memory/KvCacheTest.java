package io.moetier.runtime.model.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is said of a cache's memory ahead is what it takes.
class KvCacheTest {
    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v4", "glm_moe_dsa", "jamba", "minimax_m3", "mixtral"})
    void bytesAreThoseThatAreAllocated(String name) {
        ModelSpec spec = Families.describe(Json.readObject(TestData.golden(name).resolve("config.json")));
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
}
