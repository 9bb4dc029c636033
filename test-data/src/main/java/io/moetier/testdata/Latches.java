package io.moetier.testdata;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Waits for other threads, so that who never comes fails a test instead of holding it for good.
public final class Latches {
    private Latches() {}

    /// Returns when the latch is open.
    ///
    /// @throws AssertionError if it is not, for far longer than a machine takes that is busy with other things
    public static void await(CountDownLatch latch) {
        try {
            if (!latch.await(WarmCode.PATIENCE_NANOS, TimeUnit.NANOSECONDS)) {
                throw new AssertionError("expected " + latch.getCount() + " more to come, found none");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
