package io.moetier.storage.memory;

import com.sun.management.OperatingSystemMXBean;
import io.moetier.storage.memory.MemoryLimit.Kind;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/// How much memory can be had now without swapping, page cache included.
public final class AvailableMemory {
    private static final Path LINUX = Path.of("/");
    private static final int ROUNDING = 100; // a share by which two figures of the same memory may differ
    private static final Path MEMINFO = Path.of("/proc/meminfo");

    private AvailableMemory() {}

    /// Returns what the tightest limit leaves.
    public static long bytes() {
        return tightest().availableBytes();
    }

    /// Returns what leaves the least of all [#limits()].
    public static MemoryLimit tightest() {
        return limits().stream()
                .min(Comparator.comparingLong(MemoryLimit::availableBytes))
                .orElseThrow();
    }

    /// Returns all limits that hold for this process: the machine's, those of its control groups, those of the process
    /// alone, and that of the JVM's container, where that is less than we see.
    public static List<MemoryLimit> limits() {
        List<MemoryLimit> limits = new ArrayList<>(ControlGroups.limits(LINUX));
        limits.add(machine());
        unseen(limits, system().getTotalMemorySize(), ProcessMemory::now).ifPresent(limits::add);
        limits.addAll(ProcessLimits.all(LINUX));
        return limits;
    }

    /// Returns the limit of a container that the JVM knows of and no limit of pages tells.
    ///
    /// @param jvmBytes the memory that there is, as the JVM has it
    static Optional<MemoryLimit> unseen(List<MemoryLimit> seen, long jvmBytes, Supplier<ProcessMemory> own) {
        boolean isLess = seen.stream().allMatch(limit -> jvmBytes < limit.bytes() - limit.bytes() / ROUNDING);
        return isLess
                ? Optional.of(new MemoryLimit(
                        Kind.GROUP, "the JVM's container", jvmBytes, own.get().anonymousBytes()))
                : Optional.empty();
    }

    /// Returns the limit of the address space, if there is one: what is reserved beyond it fails at once.
    public static Optional<MemoryLimit> addressSpace() {
        return ProcessLimits.addresses(LINUX);
    }

    /// Returns the memory of the machine, whoever uses it.
    public static long totalBytes() {
        return totalBytes(SystemFiles.lines(MEMINFO));
    }

    private static long totalBytes(List<String> meminfo) {
        OptionalLong kibibytes = SystemFiles.number(meminfo, "MemTotal:");
        return kibibytes.isPresent() ? kibibytes.getAsLong() << 10 : system().getTotalMemorySize();
    }

    /// Returns what the control groups let this process have at most, if that is less than the machine has.
    public static OptionalLong containerLimitBytes() {
        long total = totalBytes();
        return ControlGroups.limits(LINUX).stream()
                .mapToLong(MemoryLimit::bytes)
                .filter(bytes -> bytes < total)
                .min();
    }

    /// The JDK knows only what is entirely free, which on a machine that has run for a while is next to nothing.
    static OptionalLong kernelBytes(List<String> meminfo) {
        OptionalLong kibibytes = SystemFiles.number(meminfo, "MemAvailable:");
        return kibibytes.isPresent() ? OptionalLong.of(kibibytes.getAsLong() << 10) : OptionalLong.empty();
    }

    private static MemoryLimit machine() {
        List<String> meminfo = SystemFiles.lines(MEMINFO);
        long total = totalBytes(meminfo);
        long available = kernelBytes(meminfo)
                .orElseGet(() -> total - Runtime.getRuntime().totalMemory());
        return new MemoryLimit(Kind.MACHINE, "this machine", total, total - available);
    }

    private static OperatingSystemMXBean system() {
        return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }
}
