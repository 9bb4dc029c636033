package io.moetier.storage.memory;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// How much memory can be had now without swapping, page cache included.
public final class AvailableMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private AvailableMemory() {}

    /// Returns the smaller of what the kernel says is available and what a container's limit leaves.
    public static long bytes() {
        return Math.min(kernelBytes(MEMINFO).orElseGet(AvailableMemory::machineBytes), containerBytes(CGROUP));
    }

    /// Returns the memory of the machine, whoever uses it.
    public static long totalBytes() {
        OptionalLong kibibytes = number(MEMINFO, "MemTotal:");
        return kibibytes.isPresent() ? kibibytes.getAsLong() << 10 : system().getTotalMemorySize();
    }

    /// Returns what a container may use at most, if it has a limit.
    public static OptionalLong containerLimitBytes() {
        return number(CGROUP.resolve("memory.max"), "");
    }

    /// The JDK knows only what is entirely free, which on a machine that has run for a while is next to nothing.
    static OptionalLong kernelBytes(Path meminfo) {
        OptionalLong kibibytes = number(meminfo, "MemAvailable:");
        return kibibytes.isPresent() ? OptionalLong.of(kibibytes.getAsLong() << 10) : OptionalLong.empty();
    }

    /// What version 2 control groups leave: the limit less what is used, where page cache does not count as used.
    static long containerBytes(Path cgroup) {
        OptionalLong limit = number(cgroup.resolve("memory.max"), "");
        OptionalLong used = number(cgroup.resolve("memory.current"), "");
        if (limit.isEmpty() || used.isEmpty()) {
            return Long.MAX_VALUE; // no container, or no limit: memory.max then reads "max"
        }
        long cached = number(cgroup.resolve("memory.stat"), "file ").orElse(0);
        return Math.max(0, limit.getAsLong() - Math.max(0, used.getAsLong() - cached));
    }

    private static long machineBytes() {
        return system().getTotalMemorySize() - Runtime.getRuntime().totalMemory();
    }

    private static OperatingSystemMXBean system() {
        return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }

    /// Returns the number in the first line that starts with `key`, if there is one.
    private static OptionalLong number(Path file, String key) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(key))
                    .map(line -> line.replaceAll("\\D", ""))
                    .filter(digits -> !digits.isEmpty())
                    .mapToLong(Long::parseLong)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty(); // not Linux, or not in such a group
        }
    }
}
