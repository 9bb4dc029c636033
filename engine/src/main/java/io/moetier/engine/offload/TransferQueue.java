package io.moetier.engine.offload;

import org.jspecify.annotations.Nullable;

/// A bounded queue of transfers between threads. Unlike those of `java.util.concurrent` it allocates nothing, not even
/// when a thread has to wait.
final class TransferQueue {
    private final @Nullable Transfer[] ring;
    private int head;
    private volatile int size; // written under the monitor, read without it by those who spin
    private boolean closed;

    TransferQueue(int capacity) {
        ring = new @Nullable Transfer[capacity];
    }

    /// @throws IllegalStateException if the queue is full, which a capacity of one per slot rules out
    synchronized void put(Transfer transfer) {
        int size = this.size;
        if (size == ring.length) {
            throw new IllegalStateException("more transfers than the " + size + " slots");
        }
        ring[(head + size) % ring.length] = transfer;
        this.size = size + 1;
        notifyAll();
    }

    /// Returns the oldest transfer, or null if there is none now.
    synchronized @Nullable Transfer poll() {
        int size = this.size;
        if (size == 0) {
            return null;
        }
        Transfer transfer = ring[head];
        ring[head] = null;
        head = (head + 1) % ring.length;
        this.size = size - 1;
        return transfer;
    }

    /// Returns the oldest transfer, waiting for one if need be, or null once the queue is empty and closed. An
    /// interrupt does not end the wait and is kept for later.
    synchronized @Nullable Transfer take() {
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
