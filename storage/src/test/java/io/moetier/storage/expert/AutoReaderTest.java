package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AutoReaderTest {
    @TempDir
    private Path scratch;

    @Test
    void choosesTheFastestWay() throws IOException {
        Path file = Files.write(scratch.resolve("experts-0.cm3"), new byte[4096]);
        List<BlockReader> ways = List.of(ChannelReader.open(List.of(file)), MappedReader.open(List.of(file)));
        // the clock is asked before and after each trial; pread takes 4096 ns, mapped 2048 ns
        AtomicLong asked = new AtomicLong();
        AtomicLong now = new AtomicLong();
        try (Arena arena = Arena.ofConfined();
                AutoReader reader = new AutoReader(
                        ways,
                        () -> {
                            long call = asked.getAndIncrement();
                            return call % 2 == 0 ? now.get() : now.addAndGet(call / 2 % 2 == 0 ? 4096 : 2048);
                        },
                        "; direct refused: why")) {
            MemorySegment page = arena.allocate(4096, 4096);
            for (int i = 0; i < 8; i++) {
                assertEquals("auto (not measured yet)", reader.description());
                reader.read(0, 0, 4096, page);
            }
            assertEquals(
                    "mapped (auto: pread 1.0, mapped 2.0 GB/s over 3 blocks each; direct refused: why)",
                    reader.description());
            reader.read(0, 0, 4096, page);
            assertEquals(16, asked.get());
        }
    }

    /// A mapping would take addresses that slots need; and not every file system has mappings.
    @Test
    void doesWithoutMappings() throws IOException {
        Path file = Files.write(scratch.resolve("experts-0.cm3"), new byte[4096]);
        assertEquals(
                "pread 1.0 GB/s over 3 blocks each; mapped left out, for the address space is limited;"
                        + " direct left out, for the files fit the page cache",
                measured(file, true));
        String refused = measured(Path.of("/sys/devices/system/cpu/possible"), false);
        assertTrue(refused.startsWith("pread 1.0 GB/s over 3 blocks each; mapped refused: "), refused);
        assertTrue(refused.endsWith("; direct left out, for the files fit the page cache"), refused);
    }

    private static String measured(Path file, boolean areAddressesLimited) throws IOException {
        AtomicLong now = new AtomicLong();
        try (Arena arena = Arena.ofConfined();
                AutoReader reader = AutoReader.open(List.of(file), true, areAddressesLimited, () -> now.getAndAdd(2))) {
            MemorySegment page = arena.allocate(4096, 4096);
            for (int i = 0; i < 4; i++) {
                reader.read(0, 0, 2, page);
            }
            return reader.description().replaceAll("^pread [(]auto: (.*)[)]$", "$1");
        }
    }

    @Test
    void directReadsAreRefusedWithAReason() {
        assertThrows(IOException.class, () -> ChannelReader.openDirect(List.of(Path.of("/proc/self/maps"))));
    }
}
