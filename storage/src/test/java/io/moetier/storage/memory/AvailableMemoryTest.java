package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
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
    void aContainersPageCacheCountsAsAvailable() throws IOException {
        Files.writeString(directory.resolve("memory.max"), "1000\n");
        Files.writeString(directory.resolve("memory.current"), "700\n");
        Files.writeString(directory.resolve("memory.stat"), "anon 300\nfile 400\n");
        assertEquals(700, AvailableMemory.containerBytes(directory));
    }

    @Test
    void aContainerWithoutLimitLeavesTheChoiceToTheKernel() throws IOException {
        Files.writeString(directory.resolve("memory.max"), "max\n");
        Files.writeString(directory.resolve("memory.current"), "700\n");
        assertEquals(Long.MAX_VALUE, AvailableMemory.containerBytes(directory));
    }
}
