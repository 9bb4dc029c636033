package io.moetier.storage.memory;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// The limit of this process's address space, which counts what is reserved whether it is touched or not.
final class AddressSpace {
    private AddressSpace() {}

    /// Returns the limit, if there is one.
    static Optional<MemoryLimit> limit() {
        return limit(Path.of("/"));
    }

    /// Returns the limit of the process whose files are those of `linux`.
    static Optional<MemoryLimit> limit(Path linux) {
        OptionalLong bytes = SystemFiles.number(linux.resolve("proc/self/limits"), "Max address space");
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        long usedKibibytes =
                SystemFiles.number(linux.resolve("proc/self/status"), "VmSize:").orElse(0);
        return Optional.of(new MemoryLimit("its address space (ulimit -v)", bytes.getAsLong(), usedKibibytes << 10));
    }
}
