package io.moetier.storage.memory;

import io.moetier.storage.memory.MemoryLimit.Kind;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// The limits of this process alone (`ulimit`), which count what is reserved: addresses whether they are touched or
/// not, and private memory that may be written.
final class ProcessLimits {
    private ProcessLimits() {}

    /// Returns those that there are for the process whose files are those of `linux`.
    static List<MemoryLimit> all(Path linux) {
        List<String> limits = limits(linux);
        return Stream.of(addresses(limits, linux), data(limits, linux))
                .flatMap(Optional::stream)
                .toList();
    }

    /// Returns the limit of the address space, if there is one.
    static Optional<MemoryLimit> addresses(Path linux) {
        return addresses(limits(linux), linux);
    }

    private static List<String> limits(Path linux) {
        return SystemFiles.lines(linux.resolve("proc/self/limits"));
    }

    private static Optional<MemoryLimit> addresses(List<String> limits, Path linux) {
        return limit(limits, linux, Kind.ADDRESSES, "its address space (ulimit -v)", "Max address space", "VmSize:");
    }

    private static Optional<MemoryLimit> data(List<String> limits, Path linux) {
        return limit(limits, linux, Kind.DATA, "its data segment (ulimit -d)", "Max data size", "VmData:");
    }

    private static Optional<MemoryLimit> limit(
            List<String> limits, Path linux, Kind kind, String what, String limit, String used) {
        OptionalLong bytes = SystemFiles.number(limits, limit);
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        long usedKibibytes =
                SystemFiles.number(linux.resolve("proc/self/status"), used).orElse(0);
        return Optional.of(new MemoryLimit(kind, what, bytes.getAsLong(), usedKibibytes << 10));
    }
}
