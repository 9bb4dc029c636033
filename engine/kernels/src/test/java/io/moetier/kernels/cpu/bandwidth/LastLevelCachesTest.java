package io.moetier.kernels.cpu.bandwidth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LastLevelCachesTest {
    @TempDir
    private Path cpus;

    @Test
    void aSharedCacheCountsOnceAndEarlierLevelsDoNot() throws IOException {
        cache(0, 0, "48K", "0");
        cache(0, 3, "32768K", "0-1");
        cache(1, 3, "32768K", "0-1");
        cache(2, 3, "16384K", "2-3");
        cache(3, 3, "16384K", "2-3");
        assertEquals(48L << 20, LastLevelCaches.bytes(cpus));
    }

    @Test
    void whatIsNotListedCountsNothing() throws IOException {
        assertEquals(0, LastLevelCaches.bytes(cpus.resolve("none")));
        Files.createDirectories(cpus.resolve("cpu0"));
        assertEquals(0, LastLevelCaches.bytes(cpus));
        cache(1, 3, "plenty", "1");
        assertEquals(0, LastLevelCaches.bytes(cpus));
    }

    @Test
    void moreIsReadThanFourTimesTheCaches() {
        assertTrue(MemoryBandwidth.bytesBeyondCaches() >= 4 * LastLevelCaches.bytes());
        assertTrue(MemoryBandwidth.bytesBeyondCaches() >= 1 << 30);
    }

    private void cache(int cpu, int index, String size, String sharedCpus) throws IOException {
        Path cache = Files.createDirectories(cpus.resolve("cpu" + cpu + "/cache/index" + index));
        Files.writeString(cache.resolve("size"), size + "\n");
        Files.writeString(cache.resolve("shared_cpu_list"), sharedCpus + "\n");
    }
}
