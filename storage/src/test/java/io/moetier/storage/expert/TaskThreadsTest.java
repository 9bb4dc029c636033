package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TaskThreadsTest {
    @Test
    void progressComesInTheOrderOfTheTasks() throws IOException {
        List<Callable<Long>> tasks = new ArrayList<>();
        List<Long> expected = new ArrayList<>();
        for (long i = 0; i < 100; i++) {
            long bytes = i;
            tasks.add(() -> bytes);
            expected.add(bytes);
        }
        List<Long> told = new ArrayList<>();
        try (TaskThreads threads = new TaskThreads(3, "test-")) {
            threads.run(tasks, told::add);
        }
        assertEquals(expected, told);
    }

    @Test
    void theCallerWorksWhileTasksRun() throws IOException {
        CountDownLatch meanwhile = new CountDownLatch(1);
        List<Long> told = new ArrayList<>();
        try (TaskThreads threads = new TaskThreads(1, "test-")) {
            Callable<Long> waiting = () -> {
                meanwhile.await();
                return 1L;
            };
            threads.run(List.of(waiting), meanwhile::countDown, told::add);
            assertThrows(
                    IOException.class,
                    () -> threads.run(
                            List.of(() -> 2L),
                            () -> {
                                throw new IOException("meanwhile");
                            },
                            told::add));
            threads.run(List.of(() -> 3L), told::add);
        }
        assertEquals(List.of(1L, 3L), told);
    }

    @Test
    void anInterruptEndsTheTasksThatAskAndInterruptsNone() throws InterruptedException, ExecutionException {
        CountDownLatch running = new CountDownLatch(2);
        AtomicInteger ended = new AtomicInteger();
        AtomicBoolean disturbed = new AtomicBoolean();
        FutureTask<Boolean> interrupted = new FutureTask<>(() -> {
            try (TaskThreads threads = new TaskThreads(2, "test-")) {
                Callable<Long> endless = () -> {
                    running.countDown();
                    try {
                        while (true) {
                            threads.requireRunning();
                            Thread.onSpinWait();
                        }
                    } catch (CancellationException e) {
                        disturbed.compareAndSet(false, Thread.currentThread().isInterrupted());
                        ended.incrementAndGet();
                        throw e;
                    }
                };
                assertThrows(
                        InterruptedIOException.class,
                        () -> threads.run(List.of(endless, endless, endless), bytes -> {}));
            }
            return Thread.currentThread().isInterrupted();
        });
        Thread caller = new Thread(interrupted);
        caller.start();
        running.await();
        caller.interrupt();
        assertTrue(interrupted.get(), "it stays interrupted");
        assertEquals(2, ended.get(), "the third had not begun");
        assertFalse(disturbed.get());
    }

    @Test
    void theFailureOfATaskIsTheCallers() {
        try (TaskThreads threads = new TaskThreads(2, "test-")) {
            Callable<Long> failing = () -> {
                throw new IOException("no such thing");
            };
            IOException failure =
                    assertThrows(IOException.class, () -> threads.run(List.of(() -> 1L, failing), bytes -> {}));
            assertTrue(String.valueOf(failure.getMessage()).contains("no such thing"));
        }
    }
}
