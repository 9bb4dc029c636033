package io.moetier.cluster.membership;

import java.util.concurrent.CompletableFuture;

/// Work that members do for each other, by name: no code crosses, only bytes.
public interface Tasks {
    /// The most bytes that an argument or a result may have.
    int MAX_BYTES = 16 << 20;

    /// What this member does under a name. Called by several threads at once, as many as have been agreed on. Is
    /// interrupted when this process leaves the cluster.
    interface Work {
        /// Does it, and returns what comes of it.
        ///
        /// @throws Exception whose message is told to who asked
        byte[] run(byte[] argument) throws Exception;
    }

    /// Offers to do what is called `name`, which nothing else is, from now on.
    ///
    /// @param threads how many at once, at most; more wait, and too many are refused
    void offer(String name, int threads, Work work);

    /// Has a member do something. The result fails with a [TaskException] if the member does not offer it or it fails,
    /// and with a [MemberLeftException] if the member leaves before it has answered: it may have been done or not.
    ///
    /// Cancelling the result makes the member forget what it has not begun.
    CompletableFuture<byte[]> submit(Member member, String name, byte[] argument);
}
