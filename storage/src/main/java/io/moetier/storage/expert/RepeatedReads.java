package io.moetier.storage.expert;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

/// Reads once more what failed once: a disk or network that hiccups need not end an answer.
final class RepeatedReads {
    private final AtomicInteger count = new AtomicInteger();

    /// A read from the start.
    interface Read {
        void run() throws IOException;
    }

    void run(Read read) throws IOException {
        try {
            read.run();
        } catch (IOException e) {
            read.run();
            count.incrementAndGet();
        }
    }

    /// Returns how many reads failed once and were right when they were repeated.
    int count() {
        return count.get();
    }
}
