package io.moetier.cluster.membership;

/// A process cannot be a member where it is to be, since somebody else listens there.
public final class PortTakenException extends MembershipException {
    private static final long serialVersionUID = 1;

    public PortTakenException(String message) {
        super(message);
    }
}
