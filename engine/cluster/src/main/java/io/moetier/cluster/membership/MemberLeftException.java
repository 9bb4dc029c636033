package io.moetier.cluster.membership;

/// A member left before it had answered.
public final class MemberLeftException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public MemberLeftException(String message) {
        super(message);
    }
}
