package io.moetier.storage.expert;

import java.io.IOException;
import java.nio.file.Path;

/// Thrown when a store cannot be written because an import of it is under way, in this process or another.
public final class ImportRunningException extends IOException {
    private static final long serialVersionUID = 1L;

    ImportRunningException(Path target) {
        super("another import of " + target + " is running");
    }
}
