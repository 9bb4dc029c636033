package io.moetier.runtime.session;

import io.moetier.storage.memory.AvailableMemory;

/// How much memory the host tier may take when nobody says: what is available beside the rest.
final class MemoryBudget {
    private static final long LEAST_RESERVE_BYTES = 512L << 20;
    private static final int RESERVE_SHARE = 10; // a tenth of what is available stays for everybody else

    private MemoryBudget() {}

    /// Returns the bytes left for experts when `otherBytes` more will be needed beside what is allocated already.
    static long available(long otherBytes) {
        return left(AvailableMemory.bytes(), otherBytes);
    }

    static long left(long available, long otherBytes) {
        long reserve = Math.max(LEAST_RESERVE_BYTES, available / RESERVE_SHARE);
        return Math.max(0, available - reserve - otherBytes);
    }
}
