package io.moetier.cluster.membership;

/// A process cannot be a member of its cluster; the message is a sentence that says why.
public class MembershipException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public MembershipException(String message) {
        super(message);
    }
}
