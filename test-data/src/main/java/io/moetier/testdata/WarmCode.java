package io.moetier.testdata;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// What code allocates once it is compiled: before, vectors and segments are objects. When that is, nobody can say of a
/// machine that is busy with other things.
public final class WarmCode {
    /// Far more than a compiler takes that gets a processor now and then.
    public static final long PATIENCE_NANOS = 300_000_000_000L;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private WarmCode() {}

    /// Runs `code` until it allocates at most `most` bytes on this thread, or patience is at its end.
    ///
    /// @return what it allocated the last time
    public static long allocated(long most, Runnable code) {
        long allocated = Long.MAX_VALUE;
        for (long begin = System.nanoTime(); allocated > most && System.nanoTime() - begin < PATIENCE_NANOS; ) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            code.run();
            allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        }
        return allocated;
    }
}
