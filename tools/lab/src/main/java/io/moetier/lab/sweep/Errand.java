package io.moetier.lab.sweep;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Tasks;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/// One attempt at a piece, by one hand. It may be cancelled by any thread: who waits for a member then does not
/// wait any longer.
final class Errand {
    private final int piece;
    private final Hand hand;
    private boolean cancelled;
    private @Nullable CompletableFuture<byte[]> pending;

    /// @param piece its index
    Errand(int piece, Hand hand) {
        this.piece = piece;
        this.hand = hand;
    }

    int piece() {
        return piece;
    }

    Hand hand() {
        return hand;
    }

    synchronized boolean isCancelled() {
        return cancelled;
    }

    void cancel() {
        CompletableFuture<byte[]> waitedFor;
        synchronized (this) {
            cancelled = true;
            waitedFor = pending;
        }
        if (waitedFor != null) {
            waitedFor.cancel(true);
        }
    }

    /// Has a member do something, and waits for it.
    ///
    /// @throws CancellationException if the errand is cancelled
    byte[] ask(Tasks tasks, Member member, String name, byte[] argument) {
        if (isCancelled()) {
            throw new CancellationException();
        }
        CompletableFuture<byte[]> answer = tasks.submit(member, name, argument);
        synchronized (this) {
            pending = answer;
        }
        if (isCancelled()) {
            answer.cancel(true);
        }
        try {
            return answer.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }
}
