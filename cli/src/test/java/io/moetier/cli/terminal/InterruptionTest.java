package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InterruptionTest {
    private static final long EVER = Long.MAX_VALUE;

    private final AtomicInteger overdue = new AtomicInteger();
    private final AtomicInteger again = new AtomicInteger();

    @Test
    void theFirstAsksToStop() {
        try (Interruption interruption = interruption(EVER)) {
            assertFalse(interruption.getAsBoolean());
            interruption.interrupt();
            assertTrue(interruption.getAsBoolean());
            assertTrue(interruption.getAsBoolean());
        }
        assertEquals(0, overdue.get() + again.get());
    }

    @Test
    void whatNobodyNoticesIsOverdueOnce() throws InterruptedException {
        CountDownLatch told = new CountDownLatch(1);
        try (Interruption interruption = new Interruption(0, told::countDown, again::incrementAndGet)) {
            interruption.interrupt();
            told.await();
            assertEquals(0, again.get());
            interruption.interrupt();
            assertEquals(1, again.get());
        }
    }

    @Test
    void whatIsNoticedButNotOverIsOverdueToo() throws InterruptedException {
        CountDownLatch told = new CountDownLatch(1);
        try (Interruption interruption = new Interruption(1, told::countDown, again::incrementAndGet)) {
            interruption.interrupt();
            assertTrue(interruption.getAsBoolean());
            told.await();
        }
        assertEquals(0, again.get());
    }

    @Test
    void oneAfterTheEndIsLikeASecond() {
        Interruption interruption = interruption(EVER);
        interruption.close();
        interruption.interrupt();
        assertEquals(1, again.get());
        assertEquals(0, overdue.get());
    }

    @Test
    void theNextComesAtOnce() {
        try (Interruption interruption = interruption(EVER)) {
            interruption.interrupt();
            interruption.interrupt();
            interruption.interrupt();
            assertEquals(2, again.get());
        }
        assertEquals(0, overdue.get());
    }

    @Test
    void whatIsOverInTimeIsNotOverdue() throws InterruptedException {
        Interruption interruption = interruption(EVER);
        interruption.interrupt();
        interruption.close();
        for (Thread waiting : Thread.getAllStackTraces().keySet()) {
            if (waiting.getName().equals("moetier-interruption")) {
                waiting.join();
            }
        }
        assertEquals(0, overdue.get());
    }

    private Interruption interruption(long patienceMillis) {
        return new Interruption(patienceMillis, overdue::incrementAndGet, again::incrementAndGet);
    }
}
