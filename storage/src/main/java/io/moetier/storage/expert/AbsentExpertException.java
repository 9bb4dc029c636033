package io.moetier.storage.expert;

/// An expert of the model is not on this disk, or is there no longer.
public final class AbsentExpertException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public AbsentExpertException(String message) {
        super(message);
    }
}
