package io.moetier.cluster.membership;

/// A member could not do what it was asked for; the message says why.
public final class TaskException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public TaskException(String message) {
        super(message);
    }
}
