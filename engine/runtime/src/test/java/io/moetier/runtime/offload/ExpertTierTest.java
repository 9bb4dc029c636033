package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.cache.EvictionPolicy;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.Latches;
import io.moetier.testdata.WarmCode;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class ExpertTierTest {
    private static final long SEED = 20261125;
    private final Counters counters = new Counters();
    private final CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);

    @AfterEach
    void close() {
        device.close();
    }

    private ExpertTier tier(ExpertSource source, int topK, long budget, String policy) {
        return ExpertTier.open(
                source,
                device,
                new Residency(topK, budget, Policies.of(policy, id -> id & 7)),
                FakeSource.COPIED,
                counters,
                Loaders.THREADS);
    }

    /// Walks through a layer's experts, checks every block while it is held, and returns the tier of each.
    private static List<Tier> walk(ExpertTier tier, int layer, int... experts) {
        Tier[] tiers = new Tier[experts.length];
        try (ExpertSequence sequence = tier.begin(layer, experts, FakeSource.NO_ROWS, null, experts.length)) {
            while (sequence.next()) {
                assertTrue(sequence.size() <= tier.residentSummary().slots().number());
                for (int i = 0; i < sequence.size(); i++) {
                    int expert = sequence.expert(i);
                    int index = IntStream.range(0, experts.length)
                            .filter(j -> experts[j] == expert)
                            .findFirst()
                            .orElseThrow();
                    int id = ExpertId.pack(layer, expert);
                    assertTrue(
                            FakeSource.holds(sequence.block(i), id), () -> ExpertId.unpack(id) + " is not in its slot");
                    assertEquals(0, sequence.block(i).address() % 4096);
                    assertEquals(null, tiers[index], "handed out twice");
                    tiers[index] = sequence.tier(i);
                }
            }
        }
        return Arrays.asList(tiers);
    }

    /// Its pages come while it is read, and would count twice.
    @Test
    void aSlotThatIsBeingFilledIsNotEmpty() {
        FakeSource source = new FakeSource(1, 4, 4096);
        try (ExpertTier tier = tier(source, 1, 4 * 4096, "lru")) {
            AtomicLong empty = new AtomicLong();
            source.beforeRead = id -> empty.set(tier.emptyBytes());
            assertEquals(4 * 4096, tier.emptyBytes());
            walk(tier, 0, 2);
            assertEquals(3 * 4096, empty.get());
        }
    }

    private static EvictionPolicy listening(int[] ids, Consumer<String> heard) {
        return new Listening(Policies.of("lru").create(ids, ids.length), heard);
    }

    @Nested
    class Warming {
        private static void warm(ExpertTier tier, IntToDoubleFunction share) {
            tier.warm(share, () -> false, () -> {});
        }

        @Test
        void loadsTheExpertsOfTheLargestShares() {
            FakeSource source = new FakeSource(2, 8, 4096);
            try (ExpertTier tier = tier(source, 2, 4 * 4096, "lru")) {
                warm(tier, id -> ExpertId.layerOf(id) == 0 ? 0 : (ExpertId.expertOf(id) - 1) / 7.0);
                RunStats stats = counters.snapshot();
                assertEquals(4 * 4096, stats.diskBytes());
                assertEquals(0, stats.expertHits() + stats.expertMisses());
                assertEquals(List.of(Tier.DISK), walk(tier, 1, 3)); // for which the coldest of 4 to 7 leaves
                assertEquals(List.of(Tier.HOST, Tier.HOST, Tier.HOST), walk(tier, 1, 7, 5, 6));
                assertEquals(List.of(Tier.DISK), walk(tier, 1, 4));
            }
        }

        @Test
        void leavesSlotsFreeRatherThanLoadWhatIsRarelyChosen() {
            try (ExpertTier tier = tier(new FakeSource(2, 8, 4096), 2, 4 * 4096, "lfu")) {
                warm(tier, id -> id == ExpertId.pack(0, 3) ? 0.022 : 0.021);
                assertEquals(1, tier.residentSummary().filled().number());
                assertEquals(List.of(Tier.HOST), walk(tier, 0, 3));
            }
        }

        @Test
        void comesBeforeTheFirstLayer() {
            try (ExpertTier tier = tier(new FakeSource(1, 8, 4096), 2, 4 * 4096, "lru")) {
                walk(tier, 0, 1);
                assertThrows(IllegalStateException.class, () -> warm(tier, id -> 1));
            }
        }

        /// Slots that are being filled cannot be given back, so that a limit would be exceeded before any layer begins.
        @Test
        void givesSlotsBackInTheMiddle() {
            FakeSource source = new FakeSource(1, 80, 4096);
            Semaphore reads = new Semaphore(1);
            source.beforeRead = id -> reads.acquireUninterruptibly();
            try (ExpertTier tier = tier(source, 2, 64 * 4096, "lru")) {
                AtomicBoolean asked = new AtomicBoolean(true);
                BooleanSupplier isAsked = () -> {
                    reads.release(asked.get() ? Loaders.THREADS.mostCount() : 1); // no more than these may be begun
                    return asked.get();
                };
                tier.warm(id -> 0.1 + ExpertId.expertOf(id) / 100.0, isAsked, () -> {
                    if (tier.residentSummary().filled().number() > 0 && asked.getAndSet(false)) {
                        assertTrue(tier.giveBack(32 * 4096, false));
                    }
                });
                assertEquals(32, tier.elastic().moves().numAway());
                assertEquals(
                        tier.residentSummary().slots(), tier.residentSummary().filled());
                assertEquals(List.of(Tier.HOST), walk(tier, 0, 79)); // the hottest, which is read last
            }
        }

        @Test
        void aReadThatFailsIsToldAndLeavesItsSlotFree() {
            FakeSource source = new FakeSource(1, 8, 4096);
            source.beforeRead = id -> {
                if (ExpertId.expertOf(id) == 2) {
                    throw new MalformedModelException("damaged");
                }
            };
            try (ExpertTier tier = tier(source, 2, 4 * 4096, "lru")) {
                assertThrows(
                        MalformedModelException.class, () -> warm(tier, id -> ExpertId.expertOf(id) < 3 ? 0.5 : 0));
                assertEquals(2, tier.residentSummary().filled().number());
                assertEquals(List.of(Tier.HOST, Tier.HOST), walk(tier, 0, 0, 1));
            }
        }
    }

    @Nested
    class Serving {
        @Test
        void findsOnDiskFirstAndInMemoryAfterwards() {
            FakeSource source = new FakeSource(2, 8, 4096);
            try (ExpertTier tier = tier(source, 2, 4 * 4096, "lru")) {
                assertEquals(List.of(Tier.DISK, Tier.DISK), walk(tier, 1, 3, 5));
                assertEquals(List.of(Tier.HOST, Tier.DISK), walk(tier, 1, 5, 6));
                RunStats stats = counters.snapshot();
                assertEquals(1, stats.expertHits());
                assertEquals(3, stats.expertMisses());
                assertEquals(3 * 4096, stats.diskBytes());
                assertEquals(
                        new ResidentSummary(
                                new ResidentSummary.Slots(4, 4 * 4096),
                                new ResidentSummary.Slots(3, 3 * 4096),
                                16,
                                16 * 4096,
                                4096,
                                4 * 4096,
                                0),
                        tier.residentSummary());
            }
        }

        @Test
        void aLayerThatSendsNoTokenToAnyExpertHasNone() {
            for (String policy : new String[] {"lru", "lfu", "gate", "layer:lru"}) {
                try (ExpertTier tier = tier(new FakeSource(2, 8, 4096), 2, 4 * 4096, policy)) {
                    walk(tier, 0, 1, 2);
                    assertEquals(List.of(), walk(tier, 1));
                    assertEquals(List.of(Tier.HOST, Tier.HOST), walk(tier, 0, 1, 2), policy);
                }
            }
        }

        @Test
        void tellsThePolicyOfEachDecisionBeforeItsAccesses() {
            FakeSource source = new FakeSource(1, 8, 4096);
            List<String> heard = new ArrayList<>();
            try (ExpertTier tier = ExpertTier.open(
                    source,
                    device,
                    new Residency(2, 4 * 4096, (ids, slots) -> listening(ids, heard::add)),
                    FakeSource.COPIED,
                    counters,
                    Loaders.THREADS)) {
                tier.begin(0, new int[] {2, 5}, FakeSource.NO_ROWS, new float[] {0.75f, 0.25f}, 2)
                        .close();
                tier.begin(0, new int[] {5}, FakeSource.NO_ROWS, null, 1).close();
            }
            assertEquals(List.of("2 0.75", "5 0.25", "access 2", "access 5", "5", "access 5"), heard);
        }

        @Test
        void handsOutResidentsBeforeItEvictsAnything() {
            FakeSource source = new FakeSource(1, 16, 4096);
            try (ExpertTier tier = tier(source, 2, 3 * 4096, "lru")) {
                walk(tier, 0, 1, 2, 3);
                int[] experts = IntStream.range(0, 16).toArray();
                List<Tier> tiers = walk(tier, 0, experts);
                for (int expert : experts) {
                    assertEquals(expert >= 1 && expert <= 3 ? Tier.HOST : Tier.DISK, tiers.get(expert));
                }
                assertEquals(3, counters.snapshot().expertHits());
                assertEquals(13, counters.snapshot().evictions());
            }
        }

        @Test
        void loadsEachExpertOnceHoweverFewSlotsThereAre() {
            FakeSource source = new FakeSource(1, 64, 4096);
            try (ExpertTier tier = tier(source, 1, 4096, "lfu")) {
                walk(tier, 0, IntStream.range(0, 64).toArray());
                for (int expert = 0; expert < 64; expert++) {
                    assertEquals(1, source.readsOf(0, expert));
                }
            }
        }

        @Test
        void survivesRandomLayersWithEveryPolicyAndBudget() {
            Random random = new Random(SEED);
            for (String policy : Policies.names()) {
                for (int slots = 2; slots <= 24; slots += 11) {
                    FakeSource source = new FakeSource(4, 12, 4096, 8192);
                    try (ExpertTier tier = tier(source, 2, slots * (4096L + 8192), policy)) {
                        for (int step = 0; step < 150; step++) {
                            List<Integer> all = new ArrayList<>(
                                    IntStream.range(0, 12).boxed().toList());
                            Collections.shuffle(all, random);
                            int n = random.nextInt(4) == 0 ? 12 : 2;
                            walk(
                                    tier,
                                    step % 4,
                                    all.stream().mapToInt(i -> i).limit(n).toArray());
                        }
                        ResidentSummary summary = tier.residentSummary();
                        assertTrue(summary.slots().bytes() <= summary.budgetBytes());
                    }
                }
            }
        }

        @Test
        void handsOutAllResidentsTogetherWithoutWaitingForTheMissing() throws IOException {
            FakeSource source = new FakeSource(1, 8, 4096);
            try (ExpertTier tier = tier(source, 2, 6 * 4096, "lru")) {
                walk(tier, 0, 1, 2, 3);
                CountDownLatch released = new CountDownLatch(1);
                source.beforeRead = id -> Latches.await(released);
                try (ExpertSequence sequence = tier.begin(0, new int[] {1, 7, 2, 6, 3}, FakeSource.NO_ROWS, null, 5);
                        Closeable _ = released::countDown) {
                    assertTrue(sequence.next());
                    assertEquals(Tier.HOST, sequence.tier(0));
                    assertEquals(List.of(1, 2, 3), experts(sequence));
                    released.countDown();
                    List<Integer> arrived = new ArrayList<>();
                    while (sequence.next()) {
                        assertEquals(Tier.DISK, sequence.tier(0));
                        arrived.addAll(experts(sequence));
                    }
                    Collections.sort(arrived);
                    assertEquals(List.of(6, 7), arrived);
                }
            }
        }

        @Test
        void handsOutWhatHasArrivedTogether() throws IOException {
            FakeSource source = new FakeSource(1, 16, 4096);
            CountDownLatch lastTwoReading = new CountDownLatch(2);
            CountDownLatch released = new CountDownLatch(1);
            source.beforeRead = id -> {
                if (ExpertId.expertOf(id) >= 6) {
                    lastTwoReading.countDown();
                    Latches.await(released);
                }
            };
            try (ExpertTier tier = tier(source, 2, 8 * 4096, "lru");
                    ExpertSequence sequence = tier.begin(0, new int[] {4, 5, 6, 7}, FakeSource.NO_ROWS, null, 4);
                    Closeable _ = released::countDown) {
                Latches.await(lastTwoReading); // each of the two loaders is past the first two experts
                assertTrue(sequence.next());
                assertEquals(List.of(4, 5), experts(sequence).stream().sorted().toList());
                released.countDown();
                assertTrue(sequence.next());
            }
        }

        @Test
        void keepsHalfOfTheSlotsLoadingWhileExpertsWaitForOne() {
            FakeSource source = new FakeSource(1, 16, 4096);
            try (ExpertTier tier = tier(source, 2, 4 * 4096, "lru")) {
                walk(tier, 0, 0, 1, 2, 3);
                CountDownLatch twoReading = new CountDownLatch(2);
                source.beforeRead = id -> twoReading.countDown();
                try (ExpertSequence sequence =
                        tier.begin(0, IntStream.range(0, 16).toArray(), FakeSource.NO_ROWS, null, 16)) {
                    assertTrue(sequence.next());
                    assertEquals(List.of(0, 1), experts(sequence));
                    assertTrue(sequence.next());
                    assertEquals(List.of(2, 3), experts(sequence));
                    Latches.await(twoReading); // into the slots of the first two
                    int handedOut = 4;
                    while (sequence.next()) {
                        handedOut += sequence.size();
                        assertTrue(sequence.size() <= (handedOut <= 12 ? 2 : 4));
                    }
                    assertEquals(16, handedOut);
                }
            }
        }

        private static List<Integer> experts(ExpertSequence sequence) {
            return IntStream.range(0, sequence.size())
                    .mapToObj(sequence::expert)
                    .toList();
        }

        @Test
        void emptyRequestsAreHarmless() {
            try (ExpertTier tier = tier(new FakeSource(1, 4, 4096), 2, 2 * 4096, "lru")) {
                assertEquals(List.of(), walk(tier, 0));
            }
        }

        @Test
        void loadsOfOneLayerOverlap() {
            FakeSource source = new FakeSource(1, 8, 4096);
            CountDownLatch bothReading = new CountDownLatch(2);
            source.beforeRead = id -> {
                bothReading.countDown();
                Latches.await(bothReading);
            };
            try (ExpertTier tier = tier(source, 2, 2 * 4096, "lru")) {
                assertEquals(List.of(Tier.DISK, Tier.DISK), walk(tier, 0, 0, 1));
            }
        }

        @Test
        void loadsOverlapTheComputationOfResidents() {
            FakeSource source = new FakeSource(1, 8, 4096);
            try (ExpertTier tier = tier(source, 2, 2 * 4096, "lru")) {
                walk(tier, 0, 0);
                CountDownLatch reading = new CountDownLatch(1);
                source.beforeRead = id -> reading.countDown();
                try (ExpertSequence sequence = tier.begin(0, new int[] {1, 0}, FakeSource.NO_ROWS, null, 2)) {
                    assertTrue(sequence.next());
                    assertEquals(Tier.HOST, sequence.tier(0));
                    Latches.await(reading);
                    assertTrue(sequence.next());
                    assertEquals(1, sequence.expert(0));
                    assertFalse(sequence.next());
                }
            }
        }

        @Test
        void waitingIsCounted() {
            FakeSource source = new FakeSource(1, 8, 4096);
            Thread computation = Thread.currentThread();
            source.beforeRead = id -> {
                while (computation.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
                sleep(5);
            };
            List<Section> entered = new ArrayList<>();
            counters.listen(new ActivityListener() {
                @Override
                public void enter(Section section) {
                    entered.add(section);
                }
            });
            try (ExpertTier tier = tier(source, 2, 2 * 4096, "lru")) {
                walk(tier, 0, 0);
                assertTrue(counters.snapshot().waitNanos() >= 5_000_000);
                assertTrue(counters.snapshot().loadNanos() >= 5_000_000);
            }
            assertEquals(List.of(Section.WAIT, Section.EXPERTS), entered);
        }

        @Test
        void allocatesNothingOnTheComputingThread() {
            FakeSource source = new FakeSource(2, 8, 4096);
            int[] experts = new int[2];
            for (String policy : List.of("lru", "lfu")) {
                try (ExpertTier tier = tier(source, 2, 4 * 4096, policy)) {
                    long allocated = WarmCode.allocated(0, () -> {
                        for (int step = 0; step < 300; step++) {
                            experts[0] = step % 8;
                            experts[1] = (step * 3 + 1) % 8 == experts[0] ? (experts[0] + 1) % 8 : (step * 3 + 1) % 8;
                            try (ExpertSequence sequence = tier.begin(step % 2, experts, FakeSource.NO_ROWS, null, 2)) {
                                while (sequence.next()) {
                                    sequence.block(sequence.size() - 1);
                                    sequence.tier(0);
                                }
                            }
                        }
                    });
                    assertEquals(0, allocated, policy);
                }
            }
            assertTrue(counters.snapshot().expertMisses() > 500);
            assertTrue(counters.snapshot().evictions() > 500);
        }
    }

    @Nested
    class Failing {
        private final FakeSource source = new FakeSource(1, 8, 4096);

        @Test
        void aLoadErrorReachesTheCaller() {
            MalformedModelException damage = new MalformedModelException("experts.cm3: layer 0 expert 3 is damaged");
            failFor(3, damage);
            try (ExpertTier tier = tier(source, 2, 2 * 4096, "lru")) {
                assertSame(damage, assertThrows(MalformedModelException.class, () -> walk(tier, 0, 2, 3)));
                assertThrows(MalformedModelException.class, () -> walk(tier, 0, 3));
                assertEquals(List.of(Tier.HOST), walk(tier, 0, 2).subList(0, 1), "the healthy expert stayed");
                source.beforeRead = id -> {};
                assertEquals(List.of(Tier.DISK), walk(tier, 0, 3));
                assertEquals(2, tier.residentSummary().filled().number());
            }
        }

        @Test
        void aFaultOnTheMappedFileReachesTheCaller() {
            InternalError fault = new InternalError("a fault occurred in an unsafe memory access operation");
            failFor(0, fault);
            try (ExpertTier tier = tier(source, 2, 2 * 4096, "lru")) {
                assertSame(fault, assertThrows(InternalError.class, () -> walk(tier, 0, 0)));
            }
        }

        @Test
        void failuresAmongManyLeaveEverySlotUsable() {
            failFor(3, new MalformedModelException("damaged"));
            try (ExpertTier tier = tier(source, 2, 3 * 4096, "lfu")) {
                for (int i = 0; i < 20; i++) {
                    assertThrows(
                            MalformedModelException.class,
                            () -> walk(tier, 0, IntStream.range(0, 8).toArray()));
                }
                walk(tier, 0, 0, 1, 2, 4, 5, 6, 7);
                assertEquals(3, tier.residentSummary().filled().number());
            }
        }

        @Test
        void leavingASequenceEarlyGivesEverySlotBack() {
            source.beforeRead = id -> sleep(1);
            try (ExpertTier tier = tier(source, 2, 3 * 4096, "lru")) {
                for (int i = 0; i < 10; i++) {
                    try (ExpertSequence sequence =
                            tier.begin(0, new int[] {0, 1, 2, 3, 4, 5, 6, 7}, FakeSource.NO_ROWS, null, 8)) {
                        assertTrue(i % 2 == 0 || sequence.next());
                    }
                }
                walk(tier, 0, IntStream.range(0, 8).toArray());
            }
        }

        /// Whatever a policy throws: what the sequence has pinned until then is given back.
        @Test
        void anErrorInTheMiddleOfBeginningLeavesNothingPinned() {
            StackOverflowError error = new StackOverflowError();
            boolean[] fails = {false};
            try (ExpertTier tier = ExpertTier.open(
                    source,
                    device,
                    new Residency(
                            2,
                            2 * 4096,
                            (ids, slots) -> listening(ids, heard -> {
                                if (heard.equals("access 7") && fails[0]) {
                                    throw error;
                                }
                            })),
                    FakeSource.COPIED,
                    counters,
                    Loaders.THREADS)) {
                walk(tier, 0, 1, 2);
                fails[0] = true;
                assertSame(
                        error,
                        assertThrows(
                                StackOverflowError.class,
                                () -> tier.begin(0, new int[] {1, 7}, FakeSource.NO_ROWS, null, 2)));
                fails[0] = false;
                walk(tier, 0, 4, 5);
                assertEquals(2, tier.residentSummary().filled().number());
            }
        }

        @Test
        void aDeviceThatCannotSaySoWhenASlotIsReadNoMoreKeepsNoSlot() {
            FakeDevice fake = new FakeDevice();
            try (ExpertTier tier = ExpertTier.open(
                    source,
                    fake,
                    new Residency(2, 2 * 4096, Policies.of("lru")),
                    FakeSource.COPIED,
                    counters,
                    Loaders.THREADS)) {
                walk(tier, 0, 1, 2);
                fake.recordsNothing = true;
                assertThrows(FakeDevice.Failure.class, () -> walk(tier, 0, 1, 2));
                assertThrows(FakeDevice.Failure.class, () -> walk(tier, 0, 4, 5));
                fake.recordsNothing = false;
                walk(tier, 0, 6, 7);
            }
        }

        @Test
        void wrongRequestsAreRefusedAndLeaveNothingBehind() {
            try (ExpertTier tier = tier(source, 2, 2 * 4096, "lru")) {
                walk(tier, 0, 1);
                assertThrows(
                        IllegalArgumentException.class,
                        () -> tier.begin(0, new int[] {1, 8}, FakeSource.NO_ROWS, null, 2));
                assertThrows(
                        IllegalStateException.class,
                        () -> tier.begin(0, new int[] {2, 2}, FakeSource.NO_ROWS, null, 2));
                assertThrows(
                        IllegalArgumentException.class,
                        () -> tier.begin(1, new int[] {1}, FakeSource.NO_ROWS, null, 1));
                assertThrows(
                        IllegalArgumentException.class, () -> tier.begin(0, new int[9], FakeSource.NO_ROWS, null, 9));
                try (ExpertSequence sequence = tier.begin(0, new int[] {1}, FakeSource.NO_ROWS, null, 1)) {
                    assertThrows(
                            IllegalStateException.class,
                            () -> tier.begin(0, new int[] {1}, FakeSource.NO_ROWS, null, 1));
                    assertThrows(IndexOutOfBoundsException.class, () -> sequence.block(0));
                }
                walk(tier, 0, 4, 5);
            }
        }

        @Test
        void closingWithASequenceOpenEndsTheLoaders() {
            source.beforeRead = id -> sleep(2);
            ExpertTier tier = tier(source, 2, 4 * 4096, "lru");
            tier.begin(0, new int[] {0, 1, 2, 3}, FakeSource.NO_ROWS, null, 4);
            tier.close();
            tier.close();
            assertThrows(
                    IllegalStateException.class,
                    () -> tier.begin(0, new int[] {5}, FakeSource.NO_ROWS, null, 1)
                            .next());
        }

        private void failFor(int expert, Throwable failure) {
            source.beforeRead = id -> {
                if (ExpertId.expertOf(id) == expert) {
                    switch (failure) {
                        case RuntimeException e -> throw e;
                        case Error e -> throw e;
                        default -> throw new AssertionError(failure);
                    }
                }
            };
        }
    }

    @Nested
    class Budget {
        @Test
        void belowTheMinimumSaysWhatIsNeeded() {
            FakeSource source = new FakeSource(2, 8, 4096, 12288);
            assertEquals(2 * 4096 + 2 * 12288, SlotBudget.of(source, 2).minimumBytes());
            var error = assertThrows(IllegalArgumentException.class, () -> tier(source, 2, 32767, "lru"));
            assertEquals(
                    "ramBytes: a budget of 32,767 bytes is too small: the top-2 experts of one layer need at least 32,768"
                            + " bytes (2 slots of 4,096 bytes + 2 slots of 12,288 bytes)",
                    error.getMessage());
            tier(source, 2, 32768, "lru").close();
        }

        @Test
        void neverMakesMoreSlotsThanExperts() {
            FakeSource source = new FakeSource(2, 8, 4096, 12288);
            assertEquals(8 * 4096 + 8 * 12288, SlotBudget.of(source, 2).allBytes());
            try (ExpertTier tier = tier(source, 2, Long.MAX_VALUE, "lru")) {
                assertEquals(16, tier.residentSummary().slots().number());
                assertEquals(
                        SlotBudget.of(source, 2).allBytes(),
                        tier.residentSummary().slots().bytes());
            }
        }

        @Test
        void isSplitInProportionAndSpentToTheLastSlot() {
            FakeSource source = new FakeSource(3, 100, 4096, 8192);
            SlotBudget budget = SlotBudget.of(source, 4);
            for (long bytes = budget.minimumBytes(); bytes <= budget.allBytes(); bytes += 5000) {
                int[] slots = budget.slots(bytes);
                long used = slots[0] * 4096L + slots[1] * 8192L;
                assertTrue(used <= bytes);
                assertTrue(bytes - used < (slots[0] == 200 ? 8192 : 4096));
                assertTrue(Math.abs(slots[0] / 200.0 - slots[1] / 100.0) < 0.03, () -> Arrays.toString(slots));
            }
            assertEquals(200, budget.slots(budget.allBytes())[0]);
            assertEquals(100, budget.slots(budget.allBytes())[1]);
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
