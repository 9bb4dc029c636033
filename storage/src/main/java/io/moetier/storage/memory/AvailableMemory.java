package io.moetier.storage.memory;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// How much memory can be had now without swapping, page cache included.
public final class AvailableMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");

    private AvailableMemory() {}

    /// Returns the smaller of what the kernel says is available and what a container's limit leaves.
    public static long bytes() {
        return Math.min(kernelBytes(), containerBytes());
    }

    /// The JDK knows only what is entirely free, which on a machine that has run for a while is next to nothing.
    private static long kernelBytes() {
        try (Stream<String> lines = Files.lines(MEMINFO)) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElseGet(AvailableMemory::containerBytes);
        } catch (IOException e) {
            return containerBytes(); // not Linux
        }
    }

    private static long containerBytes() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getTotalMemorySize() - Runtime.getRuntime().totalMemory();
    }
}
