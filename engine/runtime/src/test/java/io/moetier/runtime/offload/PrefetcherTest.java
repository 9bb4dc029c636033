package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Latches;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Loads ahead, as a layer sees them.
@Timeout(600)
class PrefetcherTest {
    private static final int EXPERTS = 8;
    private static final int[] ALL = IntStream.range(0, EXPERTS).toArray();

    private final Counters counters = new Counters();
    private final CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);
    private final FakeSource source = new FakeSource(3, EXPERTS, 4096);

    @AfterEach
    void close() {
        device.close();
    }

    private ExpertTier tier(int slots) {
        return tier(slots, Loaders.THREADS);
    }

    private ExpertTier tier(int slots, Loaders loaders) {
        return ExpertTier.open(
                source,
                device,
                new Residency(2, slots * 4096L, Policies.of("lru")),
                FakeSource.COPIED,
                counters,
                loaders);
    }

    private static void guess(ExpertTier tier, int layer, float likelihood, int... experts) {
        float[] likelihoods = new float[experts.length];
        Arrays.fill(likelihoods, likelihood);
        tier.beginGuesses();
        boolean _ = tier.guess(layer, experts, likelihoods, experts.length);
    }

    /// Runs a layer that guesses the next one once its own experts are on their way.
    private static void layer(ExpertTier tier, int layer, int[] experts, Runnable guess) {
        try (ExpertSequence sequence = tier.begin(layer, experts, FakeSource.NO_ROWS, null, experts.length)) {
            guess.run();
            int seen = 0;
            while (sequence.next()) {
                for (int i = 0; i < sequence.size(); i++) {
                    int id = ExpertId.pack(layer, sequence.expert(i));
                    assertTrue(FakeSource.holds(sequence.block(i), id), () -> ExpertId.unpack(id) + " is not there");
                    seen++;
                }
            }
            assertEquals(experts.length, seen);
        }
    }

    private void awaitReads(int layer, int... experts) {
        for (int expert : experts) {
            while (source.readsOf(layer, expert) == 0) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void whatWasGuessedIsThereWhenItIsAskedFor() {
        try (ExpertTier tier = tier(12)) {
            layer(tier, 0, new int[] {1, 2}, () -> guess(tier, 1, 0.5f, 3, 4));
            awaitReads(1, 3, 4);
            layer(tier, 1, new int[] {3, 4}, () -> {});
            assertEquals(1, source.readsOf(1, 3));
            assertEquals(2, counters.snapshot().prefetches());
            assertEquals(2, counters.snapshot().prefetchHits());
            assertEquals(2, counters.snapshot().expertHits());
            assertEquals(4 * 4096, counters.snapshot().diskBytes());
        }
    }

    @Test
    void aLayerWaitsForALoadThatHasBegunInsteadOfLoadingAgain() {
        CountDownLatch begun = new CountDownLatch(2);
        CountDownLatch asked = new CountDownLatch(1);
        try (ExpertTier tier = tier(12)) {
            source.beforeRead = id -> {
                if (ExpertId.layerOf(id) == 1) {
                    begun.countDown();
                    Latches.await(asked);
                }
            };
            layer(tier, 0, new int[] {1, 2}, () -> guess(tier, 1, 0.5f, 3, 4));
            Latches.await(begun);
            Thread late = Thread.ofPlatform().start(() -> {
                while (counters.snapshot().prefetchHits() == 0) {
                    Thread.onSpinWait();
                }
                asked.countDown();
            });
            layer(tier, 1, new int[] {3, 5}, () -> {});
            join(late);
            assertEquals(1, source.readsOf(1, 3));
        }
    }

    @Test
    void noExpertGivesWayToAnUnlikelierGuess() {
        try (ExpertTier tier = tier(2)) {
            for (int turn = 0; turn < 20; turn++) {
                layer(tier, 0, new int[] {1, 2}, () -> {});
            }
            layer(tier, 0, new int[] {1, 2}, () -> guess(tier, 1, 0.5f, 3));
            layer(tier, 0, new int[] {1, 2}, () -> {});
            assertEquals(0, counters.snapshot().prefetches());
            assertEquals(0, source.readsOf(1, 3));
        }
    }

    @Test
    void aLikelierGuessTakesTheSlot() {
        try (ExpertTier tier = tier(4)) {
            layer(tier, 0, new int[] {1, 2}, () -> {});
            layer(tier, 0, new int[] {3, 4}, () -> {});
            layer(tier, 0, new int[] {3}, () -> guess(tier, 1, 0.9f, 5));
            awaitReads(1, 5);
            layer(tier, 1, new int[] {5}, () -> {});
            assertEquals(1, counters.snapshot().prefetchHits());
            assertEquals(1, counters.snapshot().evictions());
        }
    }

    @Test
    void loadersGoOnWithGuessesWhileALayerStillWaits() {
        CountDownLatch guessed = new CountDownLatch(1);
        source.beforeRead = id -> {
            if (ExpertId.layerOf(id) == 1) {
                guessed.countDown();
            } else if (id == ExpertId.pack(0, 2)) {
                Latches.await(guessed); // no loader would begin it if it were not queued
            }
        };
        try (ExpertTier tier = tier(12)) {
            layer(tier, 0, new int[] {1, 2}, () -> guess(tier, 1, 0.9f, 3));
            layer(tier, 1, new int[] {3}, () -> {});
            assertEquals(1, source.readsOf(1, 3));
        }
    }

    @Test
    void whatIsGuessedAndHereIsHeld() {
        try (ExpertTier tier = tier(8)) {
            layer(tier, 1, new int[] {3}, () -> {});
            layer(tier, 0, new int[] {0, 1, 2, 3, 4, 5, 6}, () -> {});
            layer(tier, 0, new int[] {0}, () -> guess(tier, 1, 0.9f, 3));
            layer(tier, 0, new int[] {7}, () -> {}); // takes the slot of the least recently used that may leave
            layer(tier, 1, new int[] {3}, () -> {});
            assertEquals(1, source.readsOf(1, 3));
        }
    }

    @Test
    void whatIsHeldMayLeaveWhenItIsGuessedNoMore() {
        try (ExpertTier tier = tier(8)) {
            layer(tier, 1, new int[] {3}, () -> {});
            layer(tier, 0, new int[] {0, 1, 2, 3, 4, 5, 6}, () -> {});
            layer(tier, 0, new int[] {0}, () -> guess(tier, 1, 0.9f, 3));
            layer(tier, 0, new int[] {0}, tier::beginGuesses);
            layer(tier, 0, new int[] {7}, () -> {});
            layer(tier, 1, new int[] {3}, () -> {});
            assertEquals(2, source.readsOf(1, 3));
        }
    }

    @Test
    void onlyIdleLoadersLoadWhatIsUnlikely() {
        CountDownLatch begun = new CountDownLatch(2);
        CountDownLatch released = new CountDownLatch(1);
        try (ExpertTier tier = tier(24)) {
            layer(tier, 0, new int[] {0, 1}, () -> {});
            source.beforeRead = id -> {
                if (ExpertId.layerOf(id) == 1) {
                    begun.countDown();
                    Latches.await(released);
                }
            };
            layer(tier, 0, new int[] {0, 1}, () -> guess(tier, 1, 0.4f, 0, 1, 2, 3, 4, 5));
            Latches.await(begun);
            released.countDown();
            layer(tier, 2, new int[] {0, 1}, () -> {});
            layer(tier, 1, new int[] {0, 1, 2, 3, 4, 5}, () -> {});
            assertEquals(2, counters.snapshot().prefetches(), "at most one for each loader");
            assertEquals(2, counters.snapshot().prefetchHits());
        }
    }

    @Test
    void aLoaderThatIsDoneGetsTheNextGuess() {
        try (ExpertTier tier = tier(24)) {
            layer(tier, 0, new int[] {0, 1}, () -> {});
            try (ExpertSequence sequence = tier.begin(0, new int[] {0, 1}, FakeSource.NO_ROWS, null, 2)) {
                guess(tier, 1, 0.9f, 0, 1, 2, 3);
                assertTrue(sequence.next());
                awaitReads(1, 0, 1);
                while (counters.snapshot().prefetches() < 2) {
                    assertFalse(sequence.next()); // both ended, and the loaders have more to do
                }
            }
            awaitReads(1, 2, 3);
        }
    }

    @Test
    void anExpertThatIsBeingLoadedMayBeAskedForOnlyOnce() {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        source.beforeRead = id -> {
            if (id == ExpertId.pack(1, 3)) {
                begun.countDown();
                Latches.await(released);
            }
        };
        try (ExpertTier tier = tier(12)) {
            layer(tier, 0, new int[] {1, 2}, () -> guess(tier, 1, 0.5f, 3));
            Latches.await(begun);
            Thread later = Thread.ofPlatform().start(() -> {
                while (counters.snapshot().prefetches() == 0) {
                    Thread.onSpinWait();
                }
                released.countDown();
            });
            assertThrows(
                    IllegalArgumentException.class, () -> tier.begin(1, new int[] {3, 3}, FakeSource.NO_ROWS, null, 2));
            join(later);
            layer(tier, 1, new int[] {3}, () -> {});
        }
    }

    @Test
    void aFailedGuessIsHeardOfByWhoNeedsTheExpert() {
        source.beforeRead = id -> {
            if (id == ExpertId.pack(1, 3)) {
                throw new MalformedModelException("damaged");
            }
        };
        try (ExpertTier tier = tier(12)) {
            layer(tier, 0, new int[] {1, 2}, () -> guess(tier, 1, 0.5f, 3));
            layer(tier, 2, new int[] {1, 2}, () -> {});
            MalformedModelException failure =
                    assertThrows(MalformedModelException.class, () -> layer(tier, 1, new int[] {3}, () -> {}));
            assertEquals("damaged", failure.getMessage());
            layer(tier, 1, new int[] {4, 5}, () -> {});
        }
    }

    @Test
    void theNextLayerOfAPromptIsLoadedBehindEverythingThatThisOneNeeds() {
        List<Integer> read = Collections.synchronizedList(new ArrayList<>());
        source.beforeRead = id -> read.add(ExpertId.layerOf(id));
        try (ExpertTier tier = tier(24, new LoadersOnThreads(1, 1))) {
            layer(tier, 0, ALL, () -> tier.stream(1));
            awaitReads(1, ALL);
            layer(tier, 1, ALL, () -> {});
            List<Integer> expected = new ArrayList<>(Collections.nCopies(EXPERTS, 0));
            expected.addAll(Collections.nCopies(EXPERTS, 1));
            assertEquals(expected, read);
            assertEquals(EXPERTS, counters.snapshot().prefetchHits());
            assertEquals(EXPERTS, counters.snapshot().expertMisses());
        }
    }

    @Test
    void theFirstLayerOfAPromptIsLoadedBeforeItIsAskedFor() {
        try (ExpertTier tier = tier(24)) {
            tier.streamFirst(1);
            awaitReads(1, ALL);
            layer(tier, 1, ALL, () -> {});
            assertEquals(EXPERTS, counters.snapshot().prefetchHits());
            assertEquals(0, counters.snapshot().expertMisses());
        }
    }

    /// The first one here is layer 1: layer 0 may be one without experts.
    @Test
    void theFirstLayerOfAPromptKeepsWhatItHasAndTakesTheSlotsOfTheLast() {
        try (ExpertTier tier = tier(12)) {
            layer(tier, 1, new int[] {0, 1, 2, 3}, () -> {});
            layer(tier, 0, new int[] {0, 1, 2, 3}, () -> {});
            layer(tier, 2, new int[] {0, 1, 2, 3}, () -> {});
            tier.streamFirst(1);
            awaitReads(1, ALL);
            layer(tier, 1, ALL, () -> {});
            layer(tier, 2, ALL, () -> {});
            for (int expert : ALL) {
                assertEquals(1, source.readsOf(1, expert));
            }
        }
    }

    /// A pass may be given up before its first layer, and the next one may be of another kind.
    @Test
    void whatWasLoadedForAPromptThatEndedEarlyGivesWay() {
        CountDownLatch begun = new CountDownLatch(1);
        source.beforeRead = _ -> Latches.await(begun);
        try (ExpertTier tier = tier(8, new LoadersOnThreads(1, 1))) {
            tier.streamFirst(0);
            tier.streamFirst(0);
            begun.countDown();
            layer(tier, 2, ALL, () -> {});
            layer(tier, 1, new int[] {1, 2}, () -> {});
            for (int expert : ALL) {
                assertEquals(1, source.readsOf(2, expert));
            }
        }
    }

    @Test
    void allLoadersWorkForAPromptAndFewForAToken() {
        CountDownLatch all = new CountDownLatch(3);
        source.beforeRead = id -> {
            all.countDown();
            Latches.await(all);
        };
        Crowd crowd = new Crowd();
        try (ExpertTier tier = tier(24, new LoadersOnThreads(1, 3))) {
            layer(tier, 0, ALL, () -> {});
            source.beforeRead = crowd;
            layer(tier, 1, new int[] {1, 2, 3}, () -> {});
            layer(tier, 2, new int[] {1, 2, 3}, () -> {});
        }
        assertEquals(1, crowd.most());
    }

    @Test
    void aLayerThatAskedForFewExpertsSaysNothingOfTheNextOne() {
        try (ExpertTier tier = tier(24)) {
            layer(tier, 0, new int[] {1, 2, 3}, () -> tier.stream(1));
            layer(tier, 2, new int[] {1, 2}, () -> {});
            assertEquals(0, counters.snapshot().prefetches());
        }
    }

    /// What the next layer has stays, though it was used longest ago.
    @Test
    void aPromptTakesTheSlotsOfTheLayersJustComputed() {
        try (ExpertTier tier = tier(16)) {
            layer(tier, 1, new int[] {0, 1, 2, 3}, () -> {});
            layer(tier, 2, ALL, () -> {});
            layer(tier, 0, new int[] {0, 1, 2, 3}, () -> tier.stream(1));
            awaitReads(1, ALL);
            layer(tier, 1, ALL, () -> {});
            for (int expert : ALL) {
                assertEquals(1, source.readsOf(1, expert));
            }
        }
    }

    @Test
    void theExpertsOfAPromptThatWereChosenOfLateComeFirst() {
        List<Integer> read = Collections.synchronizedList(new ArrayList<>());
        try (ExpertTier tier = tier(8, new LoadersOnThreads(1, 1))) {
            layer(tier, 1, new int[] {7, 5}, () -> {});
            layer(tier, 0, ALL, () -> {});
            source.beforeRead = id -> {
                if (ExpertId.layerOf(id) == 1) {
                    read.add(ExpertId.expertOf(id));
                }
            };
            layer(tier, 0, ALL, () -> tier.stream(1));
            awaitReads(1, 5, 7, 0, 1);
            layer(tier, 2, new int[] {0}, () -> {});
            assertEquals(List.of(5, 7, 0, 1), read, "half of the slots");
        }
    }

    @Test
    void survivesRandomLayersAndGuesses() {
        Random random = new Random(20261126);
        int most = 20;
        for (int slots = 2; slots <= most; slots += 3) {
            try (ExpertTier tier = tier(slots)) {
                // goes on, with most slots, until loaders have got a processor while they were idle
                for (int step = 0;
                        step < 600 || (slots == most && counters.snapshot().prefetchHits() == 0);
                        step++) {
                    int layer = step % 3;
                    int[] experts = some(random, random.nextInt(10) == 0 ? EXPERTS : 2);
                    int[] guesses = some(random, random.nextInt(EXPERTS));
                    layer(tier, layer, experts, () -> {
                        if (random.nextBoolean()) {
                            tier.stream((layer + 1) % 3);
                        } else {
                            guess(tier, (layer + 1) % 3, random.nextFloat(), guesses);
                        }
                    });
                }
                assertFalse(tier.residentSummary().slots().bytes() > slots * 4096L);
            }
        }
    }

    private static int[] some(Random random, int n) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, EXPERTS).boxed().toList());
        Collections.shuffle(all, random);
        return all.stream().limit(n).mapToInt(expert -> expert).toArray();
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
