package io.moetier.runtime.offload;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/// Counts how many loads come by at the same time, at most.
final class Crowd implements IntConsumer {
    private final AtomicInteger now = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();

    @Override
    public void accept(int id) {
        most.accumulateAndGet(now.incrementAndGet(), Math::max);
        LockSupport.parkNanos(1000); // others may come
        now.decrementAndGet();
    }

    int most() {
        return most.get();
    }
}
