package io.moetier.cli;

import java.nio.file.Path;

/// Where the machine's own profile is kept, which `doctor` measures.
final class MachineFile {
    private MachineFile() {}

    static Path in(Path cacheDirectory) {
        return cacheDirectory.resolve("machine.json");
    }
}
