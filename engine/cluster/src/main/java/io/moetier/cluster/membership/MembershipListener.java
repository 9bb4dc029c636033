package io.moetier.cluster.membership;

/// Is told who comes and goes. Must not block.
public interface MembershipListener {
    /// Another member has come, or what it offers has changed.
    void onJoined(Member member);

    /// A member has left, or has been silent for too long; whatever it was asked for will not come.
    void onLeft(Member member);
}
