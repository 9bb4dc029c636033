package io.moetier.storage.model;

import java.nio.file.Path;

/// A model's files are not what they should be. The message is one sentence that names the file, the field or tensor,
/// what was expected and what was found; it is fit to be shown to a user as it is.
public sealed class MalformedModelException extends RuntimeException permits DamagedBlockException {
    private static final long serialVersionUID = 1L;

    public MalformedModelException(String message) {
        super(message);
    }

    public MalformedModelException(String message, Throwable cause) {
        super(message, cause);
    }

    /// Returns "file: field: expected …, found …".
    public static MalformedModelException of(Path file, String field, String expected, Object found) {
        return new MalformedModelException(file + ": " + field + ": expected " + expected + ", found " + found);
    }
}
