package io.moetier.runtime.offload;

import io.moetier.testdata.ModelChecking;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The [TransferQueue], and [LoaderThreads] between two of them, under a model checker: every load is run once and
/// comes back once, whatever is taken back, and whoever waits is woken.
@Timeout(600)
class TransferQueueInterleavingsTest {
    private static final int INTERLEAVINGS = 200;

    /// The checker switches threads only at objects that it knows to be shared, which those in a static field are.
    static @Nullable Object shared;

    @Test
    void noInterleavingLosesALoadOrAWakeUp() throws IOException, InterruptedException {
        ModelChecking.check(TransferQueueInterleavingsTest.class);
    }

    static void main() {
        Lincheck.runConcurrentTest(INTERLEAVINGS, TransferQueueInterleavingsTest::twoTake);
        Lincheck.runConcurrentTest(5 * INTERLEAVINGS, TransferQueueInterleavingsTest::whoIsWokenForNothingWaitsOn);
        Lincheck.runConcurrentTest(INTERLEAVINGS, TransferQueueInterleavingsTest::closingWakesAll);
        Lincheck.runConcurrentTest(INTERLEAVINGS, TransferQueueInterleavingsTest::loadersReturnWhatTheyRan);
        Lincheck.runConcurrentTest(INTERLEAVINGS, TransferQueueInterleavingsTest::whatIsTakenBackIsNotRun);
        Lincheck.runConcurrentTest(INTERLEAVINGS, TransferQueueInterleavingsTest::loadersThatComeAndGoLeaveNone);
    }

    /// Both are woken by the loads alone: nobody closes before they are done.
    private static void twoTake() {
        TransferQueue<CountedLoad> queue = new TransferQueue<>(2);
        shared = queue;
        Taker first = new Taker(queue);
        Taker second = new Taker(queue);
        first.thread.start();
        second.thread.start();
        queue.put(new CountedLoad());
        queue.put(new CountedLoad());
        CountedLoad one = first.taken();
        CountedLoad other = second.taken();
        require(one != null && other != null && !one.equals(other), "a load was lost, or taken twice");
        require(queue.isEmpty() && queue.poll() == null, "a load is left");
    }

    private static void whoIsWokenForNothingWaitsOn() {
        TransferQueue<CountedLoad> queue = new TransferQueue<>(2);
        shared = queue;
        Taker taker = new Taker(queue);
        taker.thread.start();
        queue.put(new CountedLoad());
        boolean takenHere = queue.poll() != null;
        if (takenHere) {
            queue.put(new CountedLoad());
        }
        require(taker.taken() != null, "it was woken and waited no more");
    }

    private static void closingWakesAll() {
        TransferQueue<CountedLoad> queue = new TransferQueue<>(1);
        shared = queue;
        Taker first = new Taker(queue);
        Taker second = new Taker(queue);
        first.thread.start();
        second.thread.start();
        queue.put(new CountedLoad());
        queue.close();
        require((first.taken() == null) != (second.taken() == null), "the last load goes to one of them");
    }

    private static void loadersReturnWhatTheyRan() {
        List<CountedLoad> loads = List.of(new CountedLoad(), new CountedLoad());
        List<CountedLoad> ended = new ArrayList<>();
        try (LoaderThreads<CountedLoad> loaders = new LoaderThreads<>(1, 1, 2, 0)) {
            shared = loaders;
            loads.forEach(loaders::submit);
            CountedLoad early = loaders.poll();
            if (early != null) {
                ended.add(early);
            }
            while (ended.size() < 2) {
                ended.add(loaders.await());
            }
        }
        require(ended.equals(loads), "one loader keeps the order");
        loads.forEach(load -> require(load.runs() == 1 && load.isCollected(), "a load ran " + load.runs() + " times"));
    }

    private static void whatIsTakenBackIsNotRun() {
        CountedLoad load = new CountedLoad();
        try (LoaderThreads<CountedLoad> loaders = new LoaderThreads<>(1, 1, 1, 0)) {
            shared = loaders;
            loaders.submit(load);
            boolean takenBack = loaders.cancel() != null;
            require(takenBack || loaders.await().equals(load), "another load came back");
            require(load.runs() == (takenBack ? 0 : 1), "it ran " + load.runs() + " times");
        }
    }

    /// Of two loaders one rests when loads no longer stream, whichever that is.
    private static void loadersThatComeAndGoLeaveNone() {
        List<CountedLoad> loads = List.of(new CountedLoad(), new CountedLoad(), new CountedLoad());
        try (LoaderThreads<CountedLoad> loaders = new LoaderThreads<>(1, 2, 3, 0)) {
            shared = loaders;
            loaders.submit(loads.get(0));
            loaders.stream(true);
            loaders.submit(loads.get(1));
            loaders.stream(false);
            loaders.submit(loads.get(2));
            for (int i = 0; i < 3; i++) {
                CountedLoad _ = loaders.await();
            }
        }
        loads.forEach(load -> require(load.runs() == 1 && load.isCollected(), "a load ran " + load.runs() + " times"));
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static final class Taker implements Runnable {
        private final Thread thread = new Thread(this);
        private final TransferQueue<CountedLoad> queue;
        private @Nullable CountedLoad load;

        Taker(TransferQueue<CountedLoad> queue) {
            this.queue = queue;
        }

        @Override
        public void run() {
            load = queue.take();
        }

        private @Nullable CountedLoad taken() {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return load;
        }
    }
}
