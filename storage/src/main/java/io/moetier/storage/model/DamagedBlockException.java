package io.moetier.storage.model;

/// The block of an expert has been read, and is not what was written: reading it again would not help.
public final class DamagedBlockException extends MalformedModelException {
    private static final long serialVersionUID = 1L;

    public DamagedBlockException(String message) {
        super(message);
    }
}
