package io.moetier.lab.sweep;

/// A member cannot take part in a sweep; the message says why.
final class UnusableMemberException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnusableMemberException(String message) {
        super(message);
    }
}
