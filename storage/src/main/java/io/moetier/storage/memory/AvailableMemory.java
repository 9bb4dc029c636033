package io.moetier.storage.memory;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// How much memory can be had now without swapping, page cache included.
public final class AvailableMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");

    private AvailableMemory() {}

    /// Returns what the tightest limit leaves.
    public static long bytes() {
        return tightest().availableBytes();
    }

    /// Returns what leaves the least: the machine, one of the control groups, or the limit of the address space.
    public static MemoryLimit tightest() {
        List<MemoryLimit> limits = new ArrayList<>(ControlGroups.limits());
        limits.add(machine());
        addressSpace().ifPresent(limits::add);
        return limits.stream()
                .min(Comparator.comparingLong(MemoryLimit::availableBytes))
                .orElseThrow();
    }

    /// Returns the limit of the address space, if there is one: what is reserved beyond it fails at once.
    public static Optional<MemoryLimit> addressSpace() {
        return AddressSpace.limit();
    }

    /// Returns the memory of the machine, whoever uses it.
    public static long totalBytes() {
        OptionalLong kibibytes = SystemFiles.number(MEMINFO, "MemTotal:");
        return kibibytes.isPresent() ? kibibytes.getAsLong() << 10 : system().getTotalMemorySize();
    }

    /// Returns what the control groups let this process have at most, if that is less than the machine has.
    public static OptionalLong containerLimitBytes() {
        long total = totalBytes();
        return ControlGroups.limits().stream()
                .mapToLong(MemoryLimit::bytes)
                .filter(bytes -> bytes < total)
                .min();
    }

    /// The JDK knows only what is entirely free, which on a machine that has run for a while is next to nothing.
    static OptionalLong kernelBytes(Path meminfo) {
        OptionalLong kibibytes = SystemFiles.number(meminfo, "MemAvailable:");
        return kibibytes.isPresent() ? OptionalLong.of(kibibytes.getAsLong() << 10) : OptionalLong.empty();
    }

    private static MemoryLimit machine() {
        long total = totalBytes();
        long available = kernelBytes(MEMINFO)
                .orElseGet(() -> total - Runtime.getRuntime().totalMemory());
        return new MemoryLimit("this machine", total, total - available);
    }

    private static OperatingSystemMXBean system() {
        return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }
}
