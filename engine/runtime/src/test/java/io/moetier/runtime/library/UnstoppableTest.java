package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UnstoppableTest {
    private final Unstoppable unstoppable = new Unstoppable();
    private final CountDownLatch held = new CountDownLatch(1);
    private final CountDownLatch begun = new CountDownLatch(1);

    @Test
    void returnsWhatTheWorkReturns() {
        assertEquals(Optional.of(7), unstoppable.run(() -> 7, () -> false));
    }

    @Test
    void whatTheWorkThrowsIsThrown() {
        IllegalArgumentException failure = new IllegalArgumentException("no");
        assertSame(
                failure,
                assertThrows(
                        IllegalArgumentException.class,
                        () -> unstoppable.run(
                                () -> {
                                    throw failure;
                                },
                                () -> false)));
        StackOverflowError error = new StackOverflowError();
        assertSame(
                error,
                assertThrows(
                        StackOverflowError.class,
                        () -> unstoppable.run(
                                () -> {
                                    throw error;
                                },
                                () -> false)));
    }

    @Test
    void workThatGoesOnIsLeftToItself() throws InterruptedException {
        assertEquals(Optional.empty(), unstoppable.run(this::hold, this::askedOnceBegun));
        assertFalse(unstoppable.isIdle());
        held.countDown();
        while (!unstoppable.isIdle()) {
            Thread.sleep(1);
        }
    }

    @Test
    void anInterruptLeavesItToo() {
        Thread.currentThread().interrupt();
        assertEquals(Optional.empty(), unstoppable.run(this::hold, () -> false));
        assertTrue(Thread.interrupted());
        held.countDown();
    }

    private boolean askedOnceBegun() {
        return begun.getCount() == 0;
    }

    private int hold() {
        begun.countDown();
        try {
            held.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return 0;
    }
}
