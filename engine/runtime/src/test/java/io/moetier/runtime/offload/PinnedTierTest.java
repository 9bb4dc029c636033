package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.Latches;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(600)
class PinnedTierTest {
    private static final int SLOT = 4096;
    private static final int EXPERTS = 8;
    private final Counters counters = new Counters();
    private final FakeDevice device = new FakeDevice();
    private final FakeSource source = new FakeSource(2, EXPERTS, SLOT);

    private PinnedTier tier(int slots) {
        return PinnedTier.open(
                source, device, new Residency(2, (long) slots * SLOT, Policies.of("lru")), counters, Loaders.THREADS);
    }

    private DeviceCopies copies(PinnedTier tier) {
        return DeviceCopies.open(tier, device, source.ids(), 2, new MissCosts(Loaders.THREADS), counters);
    }

    private ExpertTier onDevice(DeviceCopies copies, int slots) {
        return ExpertTier.open(
                copies,
                device,
                new Residency(2, (long) slots * SLOT, Policies.of("lru")),
                FakeSource.COPIED,
                counters,
                Loaders.THREADS);
    }

    /// Reads an expert, checks that it came, and returns where it was.
    private Tier read(DeviceCopies copies, int id) {
        try (Arena arena = Arena.ofConfined();
                DeviceEvent free = device.newEvent()) {
            MemorySegment slot = arena.allocate(SLOT);
            Tier found = copies.read(id, slot, free);
            assertTrue(FakeSource.holds(slot, id), () -> ExpertId.unpack(id) + " did not come");
            return found;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7, 16})
    void keepsWhatALeastRecentlyUsedMapKeeps(int slots) {
        Map<Integer, Boolean> model = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<Integer, Boolean> eldest) {
                return size() > slots;
            }
        };
        Random random = new Random(20261126 + slots);
        long disk = 0;
        try (PinnedTier tier = tier(slots);
                DeviceCopies copies = copies(tier)) {
            for (int i = 0; i < 2000; i++) {
                int id = ExpertId.pack(random.nextInt(2), random.nextInt(EXPERTS));
                Tier expected = model.put(id, true) == null ? Tier.DISK : Tier.HOST;
                disk += expected == Tier.DISK ? SLOT : 0;
                assertEquals(expected, read(copies, id));
            }
            assertEquals(model.size(), tier.residentSummary().filled().number());
        }
        assertEquals(disk, counters.snapshot().diskBytes());
        assertEquals(0, device.numOpen.get());
    }

    @Test
    void manyReadersWithFewSlotsGetTheirExperts() throws InterruptedException, ExecutionException {
        try (PinnedTier tier = tier(2);
                DeviceCopies copies = copies(tier);
                ExecutorService readers = Executors.newFixedThreadPool(6)) {
            List<Future<?>> reads = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                Random random = new Random(i);
                reads.add(readers.submit(() -> {
                    for (int j = 0; j < 300; j++) {
                        Tier _ = read(copies, ExpertId.pack(0, random.nextInt(EXPERTS)));
                    }
                }));
            }
            for (Future<?> each : reads) {
                each.get();
            }
        }
    }

    @Test
    void anExpertThatTwoWantAtOnceIsReadOnce() throws InterruptedException, ExecutionException {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        source.beforeRead = id -> {
            reading.countDown();
            Latches.await(released);
        };
        try (PinnedTier tier = tier(4);
                DeviceCopies copies = copies(tier);
                ExecutorService readers = Executors.newFixedThreadPool(2)) {
            Future<Tier> first = readers.submit(() -> read(copies, 3));
            Latches.await(reading);
            Future<Tier> second = readers.submit(() -> read(copies, 3));
            released.countDown();
            assertEquals(Tier.DISK, first.get());
            assertEquals(Tier.HOST, second.get());
            assertEquals(1, source.readsOf(0, 3));
        }
    }

    @Test
    void aReadThatFailsGivesItsSlotBack() {
        AtomicInteger reads = new AtomicInteger();
        source.beforeRead = id -> {
            if (reads.incrementAndGet() % 3 == 0) {
                throw new MalformedModelException("damaged");
            }
        };
        try (PinnedTier tier = tier(2);
                DeviceCopies copies = copies(tier)) {
            int failures = 0;
            for (int i = 0; i < 60; i++) {
                try {
                    read(copies, ExpertId.pack(0, i % EXPERTS));
                } catch (MalformedModelException e) {
                    failures++;
                }
            }
            assertTrue(failures >= 15, () -> "only some failed");
            source.beforeRead = id -> {};
            assertEquals(Tier.DISK, read(copies, ExpertId.pack(1, 0)));
            assertEquals(Tier.DISK, read(copies, ExpertId.pack(1, 1)));
            assertEquals(Tier.HOST, read(copies, ExpertId.pack(1, 0)));
        }
    }

    @Test
    void aCopyThatFailsGivesItsSlotBackAndKeepsTheExpert() {
        try (PinnedTier tier = tier(2);
                DeviceCopies copies = copies(tier)) {
            device.failAt(2); // after the event
            assertThrows(FakeDevice.Failure.class, () -> read(copies, 5));
            assertEquals(Tier.HOST, read(copies, 5));
            assertEquals(Tier.DISK, read(copies, 6));
            assertEquals(Tier.DISK, read(copies, 7));
        }
    }

    @Test
    void whenNobodyKnowsWhetherAFailedCopyGoesOnNothingIsCopiedAnyMore() {
        try (PinnedTier tier = tier(2);
                DeviceCopies copies = copies(tier)) {
            device.dies = true;
            device.failAt(2);
            assertThrows(FakeDevice.Failure.class, () -> read(copies, 5));
            assertThrows(IllegalStateException.class, () -> read(copies, 6));
        }
    }

    @Test
    void whateverFailsWhenTiersAreOpenedNothingIsLeft() {
        int failures = 0;
        while (!opens(failures + 1)) {
            failures++;
            assertEquals(0, device.numOpen.get());
        }
        assertEquals(0, device.numOpen.get());
        assertTrue(failures > 5, "pinned memory, two streams, events, slots");
    }

    /// Says whether opening succeeds if call number `call` fails.
    private boolean opens(int call) {
        device.failAt(call);
        try (PinnedTier pinned = tier(4);
                DeviceCopies copies = copies(pinned);
                ExpertTier tier = onDevice(copies, 2)) {
            return tier.residentSummary().slots().number() == 2;
        } catch (FakeDevice.Failure e) {
            return false;
        }
    }

    /// Runs layers over both tiers, with kernels that check what they read, and returns whether all was right.
    private boolean runsRight(long seed, int slots) {
        Random random = new Random(seed);
        AtomicInteger wrong = new AtomicInteger();
        try (PinnedTier pinned = tier(3);
                DeviceCopies copies = copies(pinned);
                ExpertTier tier = onDevice(copies, slots)) {
            for (int step = 0; step < 200; step++) {
                int layer = step % 2;
                int[] experts = IntStream.range(0, EXPERTS)
                        .filter(_ -> random.nextInt(2) == 0)
                        .toArray();
                try (ExpertSequence sequence = tier.begin(layer, experts, FakeSource.NO_ROWS, null, experts.length)) {
                    while (sequence.next()) {
                        for (int i = 0; i < sequence.size(); i++) {
                            int id = ExpertId.pack(layer, sequence.expert(i));
                            MemorySegment block = sequence.block(i);
                            device.call(() -> wrong.addAndGet(FakeSource.holds(block, id) ? 0 : 1));
                        }
                    }
                }
                if (random.nextInt(3) == 0) {
                    device.finish(); // as a layer's routing does
                }
            }
            device.finish();
            assertEquals(
                    Math.min(slots, 2 * EXPERTS),
                    tier.residentSummary().filled().number());
        }
        return wrong.get() == 0;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 16})
    void noSlotIsWrittenBeforeTheKernelsThatReadItAreDone(int slots) {
        assertTrue(runsRight(slots, slots));
        RunStats stats = counters.snapshot();
        assertEquals(stats.expertMisses() * SLOT, stats.copiedBytes());
        assertEquals((stats.expertMisses() - stats.hostHits()) * SLOT, stats.diskBytes());
    }

    /// One comes after the other, so that the threads that load have no say in which experts main memory keeps.
    @Test
    void threeSlotsInMainMemoryHoldMoreThanTwoOnTheDevice() {
        List<Tier> found = new ArrayList<>();
        try (PinnedTier pinned = tier(3);
                DeviceCopies copies = copies(pinned);
                ExpertTier tier = onDevice(copies, 2)) {
            for (int expert : new int[] {0, 1, 2, 2, 0}) {
                try (ExpertSequence sequence = tier.begin(0, new int[] {expert}, FakeSource.NO_ROWS, null, 1)) {
                    assertTrue(sequence.next());
                    found.add(sequence.tier(0));
                }
            }
        }
        assertEquals(List.of(Tier.DISK, Tier.DISK, Tier.DISK, Tier.DEVICE, Tier.HOST), found);
        assertEquals(1, counters.snapshot().hostHits());
    }

    /// So [#noSlotIsWrittenBeforeTheKernelsThatReadItAreDone] would fail if the wait were missing.
    @Test
    void withoutWaitingForEventsKernelsReadOtherExperts() {
        device.awaitsEvents = false;
        assertFalse(runsRight(2, 2));
    }

    @Test
    void copiesThatFailCostNoSlot() {
        Random random = new Random(20261126);
        try (PinnedTier pinned = tier(3);
                DeviceCopies copies = copies(pinned);
                ExpertTier tier = onDevice(copies, 4)) {
            int failures = 0;
            for (int step = 0; step < 300; step++) {
                device.failAt(1 + random.nextInt(6));
                int[] experts = IntStream.range(0, EXPERTS)
                        .filter(_ -> random.nextInt(2) == 0)
                        .toArray();
                try (ExpertSequence sequence =
                        tier.begin(step % 2, experts, FakeSource.NO_ROWS, null, experts.length)) {
                    while (sequence.next()) {
                        sequence.block(0);
                    }
                } catch (FakeDevice.Failure e) {
                    failures++;
                }
            }
            assertTrue(failures > 20, "hardly any failed");
            device.failAt(-1);
            for (int layer = 0; layer < 2; layer++) {
                int[] experts = IntStream.range(0, EXPERTS).toArray();
                int seen = 0;
                try (ExpertSequence sequence = tier.begin(layer, experts, FakeSource.NO_ROWS, null, EXPERTS)) {
                    while (sequence.next()) {
                        seen += sequence.size();
                    }
                }
                assertEquals(EXPERTS, seen);
            }
            assertEquals(4, tier.residentSummary().filled().number());
        }
        assertEquals(0, device.numOpen.get());
    }
}
