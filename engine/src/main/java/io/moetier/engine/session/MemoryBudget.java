package io.moetier.engine.session;

import io.moetier.storage.memory.AvailableMemory;

/// How much memory the host tier may take when nobody says: what is available beside the rest.
final class MemoryBudget {
    private static final long LEAST_RESERVE_BYTES = 512L << 20;
    private static final int RESERVE_SHARE = 10; // a tenth of what is available stays for everybody else

    private MemoryBudget() {}

    /// Returns the bytes left for experts when `otherBytes` more will be needed for the rest of the model.
    static long available(long otherBytes) {
        long available = AvailableMemory.bytes();
        long reserve = Math.max(LEAST_RESERVE_BYTES, available / RESERVE_SHARE);
        return Math.max(0, available - reserve - otherBytes);
    }
}
