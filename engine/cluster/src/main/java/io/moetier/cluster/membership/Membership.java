package io.moetier.cluster.membership;

import java.util.List;

/// The processes of one cluster, as one of them sees it.
///
/// Lifetime: a process is a member from the moment it has this until it is closed. Shareable between threads.
public interface Membership extends AutoCloseable {
    /// Returns this process.
    Member self();

    /// Returns all members in the order of their coming, this one among them. After two parts of a cluster have found
    /// each other again, the order is the same for all, but need not be that one.
    List<Member> members();

    /// Registers a listener, which is told of every change from now on by a thread of the cluster's, one after another.
    void listen(MembershipListener listener);

    /// Returns what all members know of who owns which experts.
    Ownership ownership();

    /// Returns the work that members do for each other.
    Tasks tasks();

    /// Leaves the cluster, and tells the others.
    @Override
    void close();
}
