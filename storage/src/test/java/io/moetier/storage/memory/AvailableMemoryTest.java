package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AvailableMemoryTest {
    @TempDir
    Path directory;

    @Test
    void isSomethingAndLessThanTheMachineHas() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long bytes = AvailableMemory.bytes();
        assertTrue(bytes > 0 && bytes < system.getTotalMemorySize(), () -> String.valueOf(bytes));
    }

    @Test
    void theKernelsFigureIsInKibibytes() throws IOException {
        Path meminfo = directory.resolve("meminfo");
        Files.writeString(meminfo, "MemTotal:  100 kB\nMemAvailable:    42 kB\n");
        assertEquals(OptionalLong.of(42 << 10), AvailableMemory.kernelBytes(meminfo));
        assertEquals(OptionalLong.empty(), AvailableMemory.kernelBytes(directory.resolve("none")));
    }

    @Test
    void theAddressSpaceIsALimitToo() throws IOException {
        Path self = Files.createDirectories(directory.resolve("proc/self"));
        Files.writeString(self.resolve("limits"), """
                Limit                     Soft Limit           Hard Limit           Units
                Max resident set          unlimited            unlimited            bytes
                Max address space         4096000              unlimited            bytes
                """);
        Files.writeString(self.resolve("status"), "Name:\tjava\nVmPeak:\t  4000 kB\nVmSize:\t    3000 kB\n");
        MemoryLimit limit = AddressSpace.limit(directory).orElseThrow();
        assertEquals(4096000 - 3000 * 1024, limit.availableBytes());
        Files.writeString(
                self.resolve("limits"), "Max address space         unlimited            unlimited            bytes\n");
        assertEquals(Optional.empty(), AddressSpace.limit(directory));
    }
}
