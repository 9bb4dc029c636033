package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class TransferQueueTest {
    private static final int CAPACITY = 3;

    private final TransferQueue<CountedLoad> queue = new TransferQueue<>(CAPACITY);

    @Test
    void isAQueue() {
        Deque<CountedLoad> model = new ArrayDeque<>();
        Random random = new Random(20261128);
        for (int i = 0; i < 1000; i++) {
            if (model.size() < CAPACITY && random.nextBoolean()) {
                CountedLoad load = new CountedLoad();
                model.add(load);
                queue.put(load);
            } else {
                assertSame(model.peek(), queue.poll());
                model.poll();
            }
            assertEquals(model.isEmpty(), queue.isEmpty());
        }
    }

    @Test
    void refusesMoreThanItsCapacity() {
        for (int i = 0; i < CAPACITY; i++) {
            queue.put(new CountedLoad());
        }
        assertThrows(IllegalStateException.class, () -> queue.put(new CountedLoad()));
    }

    @Test
    void whatIsLeftWhenItIsClosedCanBeTaken() {
        CountedLoad load = new CountedLoad();
        queue.put(load);
        queue.close();
        assertSame(load, queue.take());
        assertNull(queue.take());
    }

    @Test
    void anInterruptEndsNoWaitAndIsKept() throws InterruptedException {
        CountedLoad load = new CountedLoad();
        Interrupted taker = new Interrupted(queue);
        Thread thread = new Thread(taker);
        thread.start();
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        thread.interrupt();
        queue.put(load);
        thread.join();
        assertSame(load, taker.taken);
        assertTrue(taker.interrupted);
        assertFalse(Thread.interrupted());
    }

    private static final class Interrupted implements Runnable {
        private final TransferQueue<CountedLoad> queue;
        private volatile Object taken = "nothing";
        private volatile boolean interrupted;

        Interrupted(TransferQueue<CountedLoad> queue) {
            this.queue = queue;
        }

        @Override
        public void run() {
            CountedLoad load = queue.take();
            taken = load == null ? "nothing" : load;
            interrupted = Thread.interrupted();
        }
    }
}
