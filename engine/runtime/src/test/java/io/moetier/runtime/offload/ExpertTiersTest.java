package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.Device;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.Latches;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(600)
class ExpertTiersTest {
    private static final int SLOT = 4096;
    private static final int EXPERTS = 12;

    private final Counters counters = new Counters();
    private final FakeSource source = new FakeSource(2, EXPERTS, SLOT, 2 * SLOT);
    private final List<FakeDevice> devices = new ArrayList<>();
    private final AtomicInteger wrong = new AtomicInteger();
    private final Random random = new Random(20261126);

    private ExpertTiers tiers(Misses misses, int hostSlots, long... budgets) {
        for (int i = 0; i < budgets.length; i++) {
            devices.add(new FakeDevice());
        }
        PinnedTier pinned = PinnedTier.open(
                source,
                devices.getFirst(),
                new Residency(2, 3L * hostSlots * SLOT, Policies.of("lru")),
                counters,
                Loaders.THREADS);
        return ExpertTiers.over(
                pinned,
                List.<Device>copyOf(devices),
                2,
                budgets,
                Policies.of("lru"),
                misses,
                Loaders.THREADS,
                counters);
    }

    /// Runs a layer for random experts with kernels that check what they read; each expert must come once.
    private void run(ExpertTiers tiers, int layer) {
        int[] experts =
                IntStream.range(0, EXPERTS).filter(_ -> random.nextInt(3) == 0).toArray();
        int[] rows = Arrays.stream(experts).map(_ -> 1 + random.nextInt(40)).toArray();
        BitSet seen = new BitSet();
        try (LayerExperts all = tiers.begin(layer, experts, rows, null, experts.length)) {
            for (int i = 0; i < devices.size(); i++) {
                while (all.on(i).isNextResident()) {
                    visitNext(all.on(i), devices.get(i), layer, seen);
                }
            }
            ExpertArrivals onHost = all.onHost();
            while (onHost != null && visitNext(onHost, null, layer, seen)) {
                tiers.costs().computed(SLOT, 1 + random.nextInt(40), 1 + random.nextInt(5000));
            }
            for (boolean more = true; more; ) {
                more = false;
                for (int i = 0; i < devices.size(); i++) {
                    more |= visitNext(all.on(i), devices.get(i), layer, seen);
                }
            }
        }
        assertEquals(experts.length, seen.cardinality());
    }

    /// @param device whose kernels run as late as they may; null for the processor
    private boolean visitNext(ExpertArrivals arrivals, @Nullable FakeDevice device, int layer, BitSet seen) {
        boolean isThere = arrivals.next();
        for (int i = 0; isThere && i < arrivals.size(); i++) {
            int id = ExpertId.pack(layer, arrivals.expert(i));
            assertTrue(!seen.get(arrivals.expert(i)), "an expert came twice");
            seen.set(arrivals.expert(i));
            MemorySegment block = arrivals.block(i);
            Runnable kernel = () -> wrong.addAndGet(FakeSource.holds(block, id) ? 0 : 1);
            if (device == null) {
                kernel.run();
            } else {
                device.call(kernel);
            }
        }
        return isThere;
    }

    @ParameterizedTest
    @CsvSource({"COPY, 1", "CPU, 1", "AUTO, 1", "COPY, 2", "COPY, 3", "CPU, 2", "AUTO, 3"})
    void everyExpertIsComputedOnceFromItsOwnWeights(Misses misses, int numDevices) {
        long[] budgets = new long[numDevices];
        Arrays.setAll(budgets, i -> (2L + i) * 3 * SLOT);
        try (ExpertTiers tiers = tiers(misses, 3, budgets)) {
            for (int step = 0; step < 400; step++) {
                run(tiers, step % 2);
                if (random.nextInt(3) == 0) {
                    devices.forEach(FakeDevice::finish); // as a layer's routing does
                }
                if (random.nextInt(4) == 0) {
                    tiers.beginGuesses();
                    boolean _ = tiers.guess((step + 1) % 2, new int[] {3, 7, 1}, new float[] {0.9f, 0.8f, 0.7f}, 3);
                }
            }
            devices.forEach(FakeDevice::finish);
            ResidentSummary all = tiers.residentSummary();
            assertEquals(2 * EXPERTS, all.numExperts());
            assertEquals(EXPERTS * SLOT + EXPERTS * 2 * SLOT, all.expertBytes());
            int dropped = numDevices * Loaders.THREADS.count(); // copies for later that had not begun
            for (int step = 0; all.filled().number() < all.slots().number() - dropped; step++) {
                run(tiers, step % 2); // slots are used whatever becomes of misses, once loaders get a processor
                devices.forEach(FakeDevice::finish);
                all = tiers.residentSummary();
            }
        }
        assertEquals(0, wrong.get());
        RunStats stats = counters.snapshot();
        assertEquals(misses != Misses.COPY, stats.computedOnHost() > 0);
        assertTrue(stats.computedOnHost() <= stats.expertMisses());
        assertEquals(misses == Misses.CPU, stats.computedOnHost() == stats.expertMisses());
        devices.forEach(device -> assertEquals(0, device.numOpen.get()));
    }

    /// Memory of devices and of the machine gets short, and is there again, between layers.
    @ParameterizedTest
    @CsvSource({"COPY, 1", "CPU, 1", "AUTO, 2"})
    void slotsThatComeAndGoChangeNothing(Misses misses, int numDevices) {
        long[] budgets = new long[numDevices];
        Arrays.fill(budgets, 6L * 3 * SLOT);
        try (ExpertTiers tiers = tiers(misses, 6, budgets)) {
            int slots = tiers.residentSummary().slots().number();
            int pinned = tiers.pinned().orElseThrow().residentSummary().slots().number();
            for (int step = 0; step < 400; step++) {
                int device = random.nextInt(numDevices);
                switch (random.nextInt(8)) {
                    case 0 -> tiers.ask(random.nextInt(8 * SLOT), random.nextBoolean());
                    case 1 -> tiers.ask(-random.nextInt(20 * SLOT), false);
                    case 2 -> tiers.giveBackOn(device, random.nextInt(8 * SLOT));
                    case 3 -> tiers.takeAgainOn(device, random.nextInt(20 * SLOT));
                    default -> {
                        // stays as it is
                    }
                }
                run(tiers, step % 2);
                assertTrue(tiers.residentSummary().slots().number() <= slots);
                if (random.nextInt(4) == 0) {
                    tiers.beginGuesses();
                    boolean _ = tiers.guess((step + 1) % 2, new int[] {3, 7, 1}, new float[] {0.9f, 0.8f, 0.7f}, 3);
                }
            }
            assertTrue(tiers.moves().takenAgain().slots() > 0, tiers.moves()::toString);
            assertTrue(tiers.movesOn(0).takenAgain().slots() > 0, tiers.movesOn(0)::toString);
            tiers.takeAgain(Long.MAX_VALUE);
            for (int device = 0; device < numDevices; device++) {
                tiers.takeAgainOn(device, Long.MAX_VALUE);
                assertEquals(0, tiers.nextBytesOn(device));
            }
            assertEquals(slots, tiers.residentSummary().slots().number());
            assertEquals(
                    pinned,
                    tiers.pinned().orElseThrow().residentSummary().slots().number());
            run(tiers, 0);
            devices.forEach(FakeDevice::finish);
        }
        assertEquals(0, wrong.get());
        devices.forEach(device -> assertEquals(0, device.numOpen.get()));
    }

    /// Who looks in the middle finds half of it done, and would ask for the rest once more.
    @Test
    void whatIsBeingDoneIsNotAskedForAgain() {
        try (ExpertTiers tiers = tiers(Misses.COPY, 8, 8L * 3 * SLOT)) {
            int slots = tiers.residentSummary().slots().number();
            List<Boolean> told = new ArrayList<>();
            counters.listen(new ActivityListener() {
                @Override
                public void onSlots(Tier tier, int before, int now) {
                    told.add(tiers.isAsked() && tiers.isSettling());
                    tiers.ask(2 * SLOT, false);
                }
            });
            tiers.ask(SLOT, false);
            assertTrue(tiers.isAsked());
            assertFalse(tiers.isSettling());
            tiers.settle();
            assertFalse(tiers.isAsked());
            tiers.settle();
            assertEquals(List.of(true), told);
            assertTrue(tiers.moves().numAway() > 0);
            tiers.ask(-Long.MAX_VALUE, false);
            tiers.settle();
            assertEquals(List.of(true, true), told);
            assertEquals(0, tiers.moves().numAway());
            assertEquals(slots, tiers.residentSummary().slots().number());
        }
    }

    /// What a loader has begun stays where it is, on the device and in main memory.
    @Test
    void aHeldLoaderKeepsItsSlotsWhileAllOthersGo() {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        source.beforeRead = id -> {
            if (ExpertId.layerOf(id) == 1) {
                reading.countDown();
                Latches.await(released);
            }
        };
        try (ExpertTiers tiers = tiers(Misses.COPY, 8, 8L * 3 * SLOT)) {
            int slots = tiers.residentSummary().slots().number();
            try {
                try (LayerExperts all = tiers.begin(0, new int[] {0, 1}, new int[] {1, 1}, null, 2)) {
                    tiers.beginGuesses();
                    assertTrue(tiers.guess(1, new int[] {5}, new float[] {0.9f}, 1));
                    BitSet seen = new BitSet();
                    while (visitNext(all.on(0), devices.getFirst(), 0, seen)) {
                        devices.getFirst().finish();
                    }
                    assertEquals(2, seen.cardinality());
                }
                Latches.await(reading);
                tiers.giveBackOn(0, Long.MAX_VALUE);
                tiers.giveBack(Long.MAX_VALUE, false);
                int left = tiers.residentSummary().slots().number();
                assertTrue(left < slots && left >= 4, left + " of " + slots + " are left");
            } finally {
                released.countDown(); // closing waits for it
            }
            for (int step = 1; step < 20; step++) {
                run(tiers, step % 2);
            }
            devices.forEach(FakeDevice::finish);
        }
        assertEquals(0, wrong.get());
    }

    /// A device that has no memory after all keeps its slots away, and gives none of the others back for them.
    @Test
    void whatCannotBeTakenStaysAway() {
        try (ExpertTiers tiers = tiers(Misses.COPY, 6, 6L * 3 * SLOT)) {
            int slots = tiers.residentSummary().slots().number();
            assertTrue(tiers.giveBackOn(0, 3 * SLOT));
            int left = tiers.residentSummary().slots().number();
            devices.getFirst().failAt(1);
            assertEquals(0, tiers.takeAgainOn(0, Long.MAX_VALUE));
            assertEquals(left, tiers.residentSummary().slots().number());
            devices.getFirst().failAt(-1);
            assertTrue(tiers.takeAgainOn(0, Long.MAX_VALUE) > 0);
            assertEquals(slots, tiers.residentSummary().slots().number());
            run(tiers, 0);
            devices.forEach(FakeDevice::finish);
        }
        devices.forEach(device -> assertEquals(0, device.numOpen.get()));
    }

    /// Copies fail at random and every sixth read; whatever they cost, no pin and no slot is lost.
    @ParameterizedTest
    @CsvSource({"CPU, 1", "AUTO, 1", "AUTO, 2", "COPY, 2"})
    void whatFailsCostsNothingForGood(Misses misses, int numDevices) {
        long[] budgets = new long[numDevices];
        Arrays.fill(budgets, 2L * 3 * SLOT);
        AtomicInteger reads = new AtomicInteger();
        try (ExpertTiers tiers = tiers(misses, 2, budgets)) {
            int failures = 0;
            for (int step = 0; step < 300; step++) {
                devices.get(random.nextInt(numDevices)).failAt(1 + random.nextInt(8));
                source.beforeRead = _ -> {
                    if (reads.incrementAndGet() % 6 == 0) {
                        throw new MalformedModelException("damaged");
                    }
                };
                try {
                    run(tiers, step % 2);
                } catch (FakeDevice.Failure | MalformedModelException e) {
                    failures++;
                }
            }
            assertTrue(failures > 20, "hardly any failed");
            source.beforeRead = _ -> {};
            devices.forEach(device -> device.failAt(-1));
            int late = 0; // of copies for later that had failed, and the loader had not said so
            for (int step = 0; step < 40; step++) {
                try {
                    run(tiers, step % 2);
                } catch (FakeDevice.Failure | MalformedModelException e) {
                    late++;
                }
            }
            assertTrue(late <= numDevices * Loaders.THREADS.count(), late + " layers failed for nothing");
            devices.forEach(FakeDevice::finish);
        }
        assertEquals(0, wrong.get());
        devices.forEach(device -> assertEquals(0, device.numOpen.get()));
    }

    /// What the layer sends to the device, results among it, would wait for the link.
    @Test
    void whatTheProcessorComputesIsCopiedWhenTheLayerEnds() {
        try (ExpertTiers tiers = tiers(Misses.CPU, 4, 12L * SLOT)) {
            int[] rows = {1, 1, 1};
            try (LayerExperts all = tiers.begin(0, new int[] {1, 5, 7}, rows, null, 3)) {
                ExpertArrivals onHost = Objects.requireNonNull(all.onHost());
                while (onHost.next()) {
                    assertEquals(0, tiers.residentSummary().filled().number());
                }
                assertFalse(all.on(0).next());
                assertEquals(0, tiers.residentSummary().filled().number());
            }
            assertEquals(1, tiers.residentSummary().filled().number());
        }
    }

    /// The first device has begun when something is wrong with the second.
    @Test
    void anErrorInTheMiddleOfBeginningClosesWhatHasBegun() {
        devices.add(new FakeDevice());
        devices.add(new FakeDevice());
        InternalError error = new InternalError();
        boolean[] fails = {true};
        PolicyFactory lru = Policies.of("lru");
        PinnedTier pinned = PinnedTier.open(
                source, devices.getFirst(), new Residency(2, 9L * SLOT, lru), counters, Loaders.THREADS);
        String lastOfAll = "access " + ExpertId.pack(0, EXPERTS - 1); // the second device's
        PolicyFactory failing = (ids, slots) -> new Listening(lru.create(ids, slots), heard -> {
            if (heard.equals(lastOfAll) && fails[0]) {
                throw error;
            }
        });
        try (ExpertTiers tiers = ExpertTiers.over(
                pinned,
                List.<Device>copyOf(devices),
                2,
                new long[] {9L * SLOT, 9L * SLOT},
                failing,
                Misses.COPY,
                Loaders.THREADS,
                counters)) {
            int[] all = IntStream.range(0, EXPERTS).toArray();
            assertSame(
                    error,
                    assertThrows(InternalError.class, () -> tiers.begin(0, all, new int[EXPERTS], null, EXPERTS)));
            fails[0] = false;
            run(tiers, 0);
            devices.forEach(FakeDevice::finish);
        }
        assertEquals(0, wrong.get());
    }

    @Test
    void everyDeviceHasItsShareOfEveryLayer() {
        int[] ids = new FakeSource(4, 16, SLOT).ids();
        int[][] divided = ExpertHomes.divide(ids, _ -> 0, new long[] {3 << 20, 1 << 20});
        for (int layer = 0; layer < 4; layer++) {
            int of = layer;
            assertEquals(
                    12,
                    IntStream.of(divided[0])
                            .filter(id -> ExpertId.layerOf(id) == of)
                            .count());
        }
        assertEquals(
                IntStream.of(ids).sum(),
                IntStream.of(divided[0]).sum() + IntStream.of(divided[1]).sum());
    }

    @Test
    void noDeviceIsLeftWithoutAnExpertOfASize() {
        int[] ids = new FakeSource(2, 3, SLOT, SLOT).ids();
        int[][] divided = ExpertHomes.divide(ids, ExpertId::layerOf, new long[] {1 << 30, 1});
        assertEquals(2, divided[1].length);
        assertThrows(
                IllegalArgumentException.class,
                () -> ExpertHomes.divide(ids, ExpertId::layerOf, new long[] {1, 1, 1, 1}));
    }
}
