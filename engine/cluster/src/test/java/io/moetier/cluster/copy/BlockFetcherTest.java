package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockFetcherTest {
    private static final SampleModel MODEL = new SampleModel(7, 5, 5_000, 300_000);

    @TempDir
    private Path scratch;

    private StoreManifest manifest;

    @BeforeEach
    void writesTheWholeStore() throws IOException {
        manifest = MODEL.write(scratch.resolve("whole.mtier"));
    }

    /// Notes what it is told.
    private static final class Notes implements FetchListener {
        private final ConcurrentSkipListSet<Integer> ready = new ConcurrentSkipListSet<>();
        private final List<String> problems = new CopyOnWriteArrayList<>();
        private final CountDownLatch wanted;

        Notes(int blocks) {
            wanted = new CountDownLatch(blocks);
        }

        @Override
        public void ready(int[] ids) {
            for (int id : ids) {
                if (ready.add(id)) {
                    wanted.countDown();
                }
            }
        }

        @Override
        public void problem(String sentence) {
            problems.add(sentence);
        }
    }

    @Test
    void fetchesWhatIsMissingFromSourcesThatFailAndLie() throws Exception {
        Notes notes = new Notes(MODEL.ids().length);
        SampleModel.InMemory liar = MODEL.new InMemory() {
            private final SplittableRandom random = new SplittableRandom(5);

            @Override
            public synchronized void read(int id, MemorySegment destination) throws IOException {
                super.read(id, destination);
                switch (random.nextInt(3)) {
                    case 0 -> destination.set(ValueLayout.JAVA_BYTE, 99, (byte) ~MODEL.block(id)[99]);
                    case 1 -> throw new IOException("the cable is out");
                    default -> throw new IllegalStateException("not here");
                }
            }
        };
        try (NodeStore whole = NodeStore.of(ExpertStore.open(scratch.resolve("whole.mtier"), IoMode.PREAD));
                PartialStore store = PartialStore.open(scratch.resolve("node"), manifest);
                BlockFetcher fetcher = BlockFetcher.start(store, () -> false, notes)) {
            fetcher.sources(List.of(liar, whole));
            fetcher.want(MODEL.ids());
            notes.wanted.await();
            assertArrayEquals(MODEL.ids(), store.ids());
            assertEquals(new TreeSet<>(notes.problems).size(), notes.problems.size());
        }
    }

    @Test
    void theNextProcessAsksForExactlyWhatIsMissing() throws Exception {
        int[] some = {MODEL.ids()[8], MODEL.ids()[0], MODEL.ids()[3]};
        Notes first = new Notes(some.length);
        try (PartialStore store = PartialStore.open(scratch.resolve("node"), manifest);
                BlockFetcher fetcher = BlockFetcher.start(store, () -> false, first)) {
            fetcher.sources(List.of(MODEL.new InMemory()));
            fetcher.want(some);
            first.wanted.await();
        }
        List<Integer> asked = new CopyOnWriteArrayList<>();
        SampleModel.InMemory source = MODEL.new InMemory() {
            @Override
            public void read(int id, MemorySegment destination) throws IOException {
                asked.add(id);
                super.read(id, destination);
            }
        };
        Notes second = new Notes(MODEL.ids().length - some.length);
        try (PartialStore store = PartialStore.open(scratch.resolve("node"), manifest);
                BlockFetcher fetcher = BlockFetcher.start(store, () -> false, second)) {
            assertEquals(3, store.ids().length);
            fetcher.sources(List.of(source));
            fetcher.want(MODEL.ids());
            second.wanted.await();
            TreeSet<Integer> missing = new TreeSet<>();
            Arrays.stream(MODEL.ids()).forEach(missing::add);
            Arrays.stream(some).forEach(missing::remove);
            assertEquals(new ArrayList<>(missing), asked.stream().sorted().toList());
        }
    }

    @Test
    void noMoreIsOnItsWayThanIsAllowed() throws Exception {
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        SampleModel.InMemory source = MODEL.new InMemory() {
            @Override
            public void read(int id, MemorySegment destination) throws IOException {
                most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                super.read(id, destination);
                underWay.decrementAndGet();
            }
        };
        Notes notes = new Notes(MODEL.ids().length);
        try (PartialStore store = PartialStore.open(scratch.resolve("node"), manifest);
                BlockFetcher fetcher = BlockFetcher.start(store, 700_000, () -> false, notes)) {
            fetcher.sources(List.of(source));
            fetcher.want(MODEL.ids());
            notes.wanted.await();
        }
        assertTrue(most.get() <= 2, most + " at once");
    }

    @Test
    void aDiskThatFailsIsToldOnceAndWhatIsThereStays() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        Notes notes = new Notes(1);
        FetchListener listener = new FetchListener() {
            @Override
            public void ready(int[] ids) {
                notes.ready(ids);
            }

            @Override
            public void problem(String sentence) {
                notes.problem(sentence);
                told.countDown();
            }
        };
        PartialStore store = PartialStore.open(scratch.resolve("node"), manifest);
        try (BlockFetcher fetcher = BlockFetcher.start(store, () -> false, listener)) {
            fetcher.sources(List.of(MODEL.new InMemory()));
            fetcher.want(new int[] {MODEL.ids()[0]});
            notes.wanted.await();
            // a folder in place of the next file: nothing can be made there
            Files.createDirectory(scratch.resolve("node/" + manifest.expertsDigest() + "/experts-1.cm3"));
            fetcher.want(MODEL.ids());
            told.await();
            assertTrue(notes.problems.getFirst().startsWith("no more experts are kept on this disk for now: "));
            assertTrue(store.has(MODEL.ids()[0]));
            assertThrows(IllegalArgumentException.class, () -> fetcher.want(new int[] {-1}));
        }
        store.close();
    }

    @Test
    void closingEndsReadsThatAreUnderWay() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch cancelled = new CountDownLatch(1);
        SampleModel.InMemory source = MODEL.new InMemory() {
            @Override
            public void read(int id, MemorySegment destination) throws IOException {
                reading.countDown();
                try {
                    cancelled.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                throw new IOException("cancelled");
            }

            @Override
            public void cancel() {
                cancelled.countDown();
            }
        };
        Notes notes = new Notes(1);
        try (PartialStore store = PartialStore.open(scratch.resolve("node"), manifest)) {
            BlockFetcher fetcher = BlockFetcher.start(store, () -> false, notes);
            fetcher.sources(List.of(source));
            fetcher.want(MODEL.ids());
            reading.await();
            fetcher.sources(List.of());
            fetcher.close();
            assertEquals(List.of(), notes.problems);
            assertEquals(0, store.ids().length);
        }
    }
}
