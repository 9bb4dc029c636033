package io.moetier.cluster.link;

/// One side does not deal with the other; the message is a sentence that says why.
public final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public RefusedException(String message) {
        super(message);
    }
}
