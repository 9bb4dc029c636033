package io.moetier.storage.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class UninterruptedTest {
    @Test
    void aWaitGoesOnAndTheInterruptIsHeardOfAfterwards() {
        CountDownLatch ends = new CountDownLatch(1);
        Thread ending = Thread.ofPlatform().start(() -> Uninterrupted.await(ends::await));
        int[] calls = {0};
        Thread.currentThread().interrupt();
        Uninterrupted.await(() -> {
            calls[0]++;
            if (calls[0] == 2) {
                ends.countDown();
            }
            ending.join();
        });
        assertEquals(2, calls[0]);
        assertTrue(Thread.interrupted());
        Uninterrupted.join(ending);
        assertFalse(Thread.interrupted());
    }

    @Test
    void whatIsThrownIsThrownAndTheInterruptIsNotLost() {
        Thread.currentThread().interrupt();
        assertThrows(
                IOException.class,
                () -> Uninterrupted.get(() -> {
                    Thread.sleep(0); // which an interrupt ends
                    throw new IOException();
                }));
        assertTrue(Thread.interrupted());
        assertEquals(7, Uninterrupted.get(() -> 7));
    }
}
