package io.moetier.cluster.node;

import io.moetier.cluster.copy.MemberBlocks;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.storage.thread.Uninterrupted;
import java.util.List;

/// Tells a node whom to ask for blocks, whenever members have come or gone.
///
/// On a thread of its own, as connections to who has left end meanwhile, and the cluster's thread must not wait for
/// that.
final class SourceFollower implements AutoCloseable {
    private final Membership membership;
    private final MemberBlocks blocks;
    private final NodeHost host;
    private final Thread thread;
    private boolean isDue = true; // guarded by this, as is what follows
    private boolean closed;

    private SourceFollower(Membership membership, MemberBlocks blocks, NodeHost host) {
        this.membership = membership;
        this.blocks = blocks;
        this.host = host;
        thread = Thread.ofPlatform().daemon().name("moetier-sources").unstarted(this::run);
    }

    /// Begins to follow.
    static SourceFollower follow(Membership membership, MemberBlocks blocks, NodeHost host) {
        SourceFollower follower = new SourceFollower(membership, blocks, host);
        membership.listen(new MembershipListener() {
            @Override
            public void onJoined(Member member) {
                follower.look();
            }

            @Override
            public void onLeft(Member member) {
                follower.look();
            }
        });
        follower.thread.start();
        return follower;
    }

    private synchronized void look() {
        isDue = true;
        notifyAll();
    }

    private void run() {
        while (awaitChange()) {
            String self = membership.self().id();
            List<Member> others = membership.members().stream()
                    .filter(member -> !member.id().equals(self))
                    .toList();
            blocks.members(others);
            host.sources(blocks::of);
        }
    }

    /// Waits for a change, and says whether there was one; if not, this is closed.
    private synchronized boolean awaitChange() {
        while (!isDue && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                return false; // nobody interrupts this thread but a JVM that ends
            }
        }
        isDue = false;
        return !closed;
    }

    /// Returns when nobody is told anything any more.
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        Uninterrupted.join(thread);
    }
}
