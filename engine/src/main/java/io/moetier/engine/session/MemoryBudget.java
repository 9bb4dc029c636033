package io.moetier.engine.session;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/// How much memory the host tier may take when nobody says: what is available beside the rest.
final class MemoryBudget {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final long LEAST_RESERVE_BYTES = 512L << 20;
    private static final int RESERVE_SHARE = 10; // a tenth of what is available stays for everybody else

    private MemoryBudget() {}

    /// Returns the bytes left for experts when `otherBytes` more will be needed for the rest of the model.
    static long available(long otherBytes) {
        long available = Math.min(availableBytes(), containerFreeBytes());
        long reserve = Math.max(LEAST_RESERVE_BYTES, available / RESERVE_SHARE);
        return Math.max(0, available - reserve - otherBytes);
    }

    /// Memory that can be had without swapping, page cache included; the JDK knows only what is entirely free.
    private static long availableBytes() {
        try (var lines = Files.lines(MEMINFO)) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElseGet(MemoryBudget::containerFreeBytes);
        } catch (IOException e) {
            return containerFreeBytes(); // not Linux
        }
    }

    /// What the container, or else the machine, has beyond this process's limit; page cache counts as free where
    /// there is no container limit below the machine's memory.
    private static long containerFreeBytes() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getTotalMemorySize() - Runtime.getRuntime().totalMemory();
    }
}
