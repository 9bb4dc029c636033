package io.moetier.runtime.offload;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A bounded queue of loads between threads. Unlike those of `java.util.concurrent` it allocates nothing, not even
/// when a thread has to wait.
final class TransferQueue<L extends Load> {
    private final List<@Nullable L> ring;
    private int head;
    private volatile int size; // written under the monitor, read without it by those who spin
    private boolean closed;
    private int mostBegun = Integer.MAX_VALUE;
    private int numBegun;

    TransferQueue(int capacity) {
        ring = new ArrayList<>(Collections.nCopies(capacity, null));
    }

    /// @throws IllegalStateException if the queue is full, which a capacity of one per slot rules out
    synchronized void put(L load) {
        int size = this.size;
        if (size == ring.size()) {
            throw new IllegalStateException("more loads than the " + size + " slots");
        }
        ring.set((head + size) % ring.size(), load);
        this.size = size + 1;
        notify(); // all who wait do so for the same
    }

    /// Returns the oldest load, or null if there is none now.
    synchronized @Nullable L poll() {
        int size = this.size;
        if (size == 0) {
            return null;
        }
        L load = ring.set(head, null);
        head = (head + 1) % ring.size();
        this.size = size - 1;
        return load;
    }

    /// Returns the oldest load, waiting for one if need be, or null once the queue is empty and closed. An
    /// interrupt does not end the wait and is kept for later.
    synchronized @Nullable L take() {
        boolean interrupted = false;
        while ((size == 0 || numBegun >= mostBegun) && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return poll();
    }

    /// Does what [#take()] does for a loader, which is to call [#end()] and take again. Of these loads, no more have
    /// begun and not ended than [#limit(int)] allows; once the queue is closed it allows all.
    synchronized @Nullable L begin() {
        L load = take();
        numBegun += load == null ? 0 : 1;
        return load;
    }

    /// Notes that the load has ended that a loader has begun. None is woken for it, as this one comes again.
    synchronized void end() {
        numBegun--;
    }

    /// Says how many loads may be under way at the same time; those that are go on.
    synchronized void limit(int most) {
        if (most != mostBegun) {
            mostBegun = most;
            notifyAll();
        }
    }

    /// Says, without the monitor, whether there was nothing to take a moment ago.
    boolean isEmpty() {
        return size == 0;
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
