package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.slots.Slab;
import io.moetier.runtime.slots.SlabMemory;
import io.moetier.runtime.slots.SlotPieces;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.ModelChecking;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What an [ExpertTier] hands to its loaders and back, under a model checker: every expert of a layer comes once with
/// its own weights, begun ahead or not, and a layer that fails or is closed early leaves every slot free.
@Timeout(600)
class ExpertSequenceInterleavingsTest {
    private static final int INTERLEAVINGS = 50;
    private static final int SLOT = Long.BYTES;
    private static final int SLOTS = 4;
    private static final int DAMAGED = ExpertId.pack(1, 2);
    private static final int[] ROWS = {1, 1, 1};

    private final FakeSource source = new FakeSource(2, 3, SLOT);
    private final FakeDevice device = new FakeDevice();
    private final Replaceable scheduler = new Replaceable();
    private final SizeClass sizeClass;
    private final Prefetcher prefetcher;
    private final ExpertSequence sequence;

    /// The checker switches threads only at objects that it knows to be shared, which those in a static field are, and
    /// makes them again before each try what they were at first.
    static @Nullable ExpertSequenceInterleavingsTest shared;

    ExpertSequenceInterleavingsTest() {
        Slab slab = new Slab(SLOT);
        SlotReleases releases = new SlotReleases(device);
        int[] ids = source.ids();
        ExpertCache cache = new ExpertCache(ids, SLOTS, Policies.of("lru").create(ids, SLOTS));
        SlotPieces pieces = new SlotPieces(cache, slab, SlabMemory.of(device), SLOTS);
        sizeClass = new SizeClass(
                Tier.HOST,
                cache,
                slab,
                IntStream.range(0, SLOTS)
                        .mapToObj(slot -> new Transfer(source, slab, slot, releases))
                        .toList(),
                pieces);
        Counters counters = new Counters();
        PromptSlots promptSlots = new PromptSlots(2);
        prefetcher = new Prefetcher(scheduler, counters, promptSlots, 1, List.of(sizeClass), new int[] {0, 0}, 3);
        sequence = new ExpertSequence(FakeSource.COPIED, releases, scheduler, prefetcher, promptSlots, counters, 3);
        source.beforeRead = id -> {
            if (id == DAMAGED) {
                throw new MalformedModelException("damaged");
            }
        };
    }

    /// Loaders that a scenario starts and ends.
    private static final class Replaceable implements TransferScheduler<Transfer> {
        private @Nullable LoaderThreads<Transfer> now;

        private LoaderThreads<Transfer> now() {
            return Objects.requireNonNull(now);
        }

        @Override
        public void submit(Transfer load) {
            now().submit(load);
        }

        @Override
        public @Nullable Transfer poll() {
            return now().poll();
        }

        @Override
        public Transfer await() {
            return now().await();
        }

        @Override
        public @Nullable Transfer cancel() {
            return now().cancel();
        }

        @Override
        public void close() {
            now().close();
        }
    }

    @Test
    void noInterleavingLosesAnExpertOrASlot() throws IOException, InterruptedException {
        ModelChecking.check(ExpertSequenceInterleavingsTest.class);
    }

    static void main() {
        ExpertSequenceInterleavingsTest tier = new ExpertSequenceInterleavingsTest();
        shared = tier;
        Lincheck.runConcurrentTest(INTERLEAVINGS, tier::aGuessIsTakenOver);
        Lincheck.runConcurrentTest(INTERLEAVINGS, tier::aReadFails);
        Lincheck.runConcurrentTest(INTERLEAVINGS, tier::aLayerIsClosedEarly);
    }

    private void aGuessIsTakenOver() {
        scheduler.now = new LoaderThreads<>(1, 1, SLOTS, 0);
        sequence.begin(sizeClass, 0, new int[] {0}, ROWS, null, 1);
        require(prefetcher.guess(1, new int[] {1}, new float[] {1}, 1), "nothing is guessed");
        visit(0, 1);
        prefetcher.beginGuesses();
        boolean _ = prefetcher.guess(1, new int[] {1}, new float[] {1}, 1); // held if it has come
        sequence.begin(sizeClass, 1, new int[] {0, 1}, ROWS, null, 2);
        visit(1, 2);
        requireFreeSlots();
    }

    private void aReadFails() {
        scheduler.now = new LoaderThreads<>(1, 1, SLOTS, 0);
        sequence.begin(sizeClass, 1, new int[] {0, 1, 2}, ROWS, null, 3);
        try {
            visit(1, 3);
            throw new AssertionError("a damaged expert came");
        } catch (MalformedModelException e) {
            sequence.close();
        }
        requireFreeSlots();
    }

    private void aLayerIsClosedEarly() {
        scheduler.now = new LoaderThreads<>(1, 1, SLOTS, 0);
        sequence.begin(sizeClass, 0, new int[] {0, 1, 2}, ROWS, null, 3);
        require(sequence.next(), "no expert came");
        sequence.close();
        requireFreeSlots();
    }

    private void visit(int layer, int n) {
        int[] seen = new int[3];
        while (sequence.next()) {
            for (int i = 0; i < sequence.size(); i++) {
                int expert = sequence.expert(i);
                require(FakeSource.holds(sequence.block(i), ExpertId.pack(layer, expert)), "other weights came");
                seen[expert]++;
            }
        }
        sequence.close();
        for (int expert = 0; expert < n; expert++) {
            require(seen[expert] == 1, "expert " + expert + " came " + seen[expert] + " times");
        }
    }

    private void requireFreeSlots() {
        prefetcher.giveWay();
        scheduler.close();
        for (Transfer ended = scheduler.poll(); ended != null; ended = scheduler.poll()) {
            prefetcher.settle(ended);
        }
        prefetcher.releaseHeld();
        require(sizeClass.cache().numPinned() == 0, "slots are lost");
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
