package io.moetier.cluster.membership;

/// A process cannot listen where it is to be a member, as where somebody else does.
public final class PortTakenException extends MembershipException {
    private static final long serialVersionUID = 1;

    public PortTakenException(String message) {
        super(message);
    }
}
