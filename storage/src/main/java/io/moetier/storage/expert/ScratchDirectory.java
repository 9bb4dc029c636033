package io.moetier.storage.expert;

import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;

/// A hidden directory for a while. What a killed process leaves of it goes with what killed imports leave
/// ([ExpertStoreWriter#clearLeftovers]).
public final class ScratchDirectory implements AutoCloseable {
    private final StagingDirectory staging;

    private ScratchDirectory(StagingDirectory staging) {
        this.staging = staging;
    }

    /// Makes an empty directory in `parent`.
    ///
    /// @throws IOException if it cannot be made
    public static ScratchDirectory create(Path parent) throws IOException {
        Path never = parent.resolve("scratch-" + UUID.randomUUID() + ".mtier");
        return new ScratchDirectory(StagingDirectory.create(never, false, PosixCalls.none()));
    }

    /// Returns the directory.
    public Path path() {
        return staging.path();
    }

    /// Deletes the directory with all that is in it.
    @Override
    public void close() throws IOException {
        staging.close();
    }
}
