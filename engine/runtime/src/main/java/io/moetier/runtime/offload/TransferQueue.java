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
        notifyAll();
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
        while (size == 0 && !closed) {
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

    /// Says, without the monitor, whether there was nothing to take a moment ago.
    boolean isEmpty() {
        return size == 0;
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
