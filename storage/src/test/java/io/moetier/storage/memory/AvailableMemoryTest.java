package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;
import io.moetier.storage.memory.MemoryLimit.Kind;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
        assertEquals(OptionalLong.of(42 << 10), AvailableMemory.kernelBytes(SystemFiles.lines(meminfo)));
        assertEquals(OptionalLong.empty(), AvailableMemory.kernelBytes(List.of()));
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
        MemoryLimit limit = ProcessLimits.addresses(directory).orElseThrow();
        assertEquals(4096000 - 3000 * 1024, limit.availableBytes());
        Files.writeString(
                self.resolve("limits"), "Max address space         unlimited            unlimited            bytes\n");
        assertEquals(Optional.empty(), ProcessLimits.addresses(directory));
    }

    @Test
    void theDataSegmentIsALimitToo() throws IOException {
        Path self = Files.createDirectories(directory.resolve("proc/self"));
        Files.writeString(
                self.resolve("limits"), "Max data size             4096000              unlimited            bytes\n");
        Files.writeString(self.resolve("status"), "VmSize:\t    3000 kB\nVmData:\t     1000 kB\n");
        assertEquals(
                List.of(new MemoryLimit(Kind.DATA, "its data segment (ulimit -d)", 4096000, 1000 * 1024)),
                ProcessLimits.all(directory));
    }

    @Test
    void aContainerThatTheJvmAloneKnowsIsALimit() {
        ProcessMemory own = new ProcessMemory(0, 100, 50);
        MemoryLimit machine = new MemoryLimit(Kind.MACHINE, "this machine", 4000, 1000);
        MemoryLimit group = new MemoryLimit(Kind.GROUP, "the control group /a", 1000, 200);
        assertEquals(Optional.empty(), AvailableMemory.unseen(List.of(machine), 4000, () -> own));
        assertEquals(Optional.empty(), AvailableMemory.unseen(List.of(machine, group), 1000, () -> own));
        assertEquals(
                Optional.of(new MemoryLimit(Kind.GROUP, "the JVM's container", 500, 50)),
                AvailableMemory.unseen(List.of(machine, group), 500, () -> own));
    }
}
