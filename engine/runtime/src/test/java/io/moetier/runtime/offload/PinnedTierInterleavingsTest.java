package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.ModelChecking;
import java.io.IOException;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The [PinnedTier] under a model checker: who pins has its expert, each is read once, and whoever waits for a slot
/// gets one, a loader of the [HostSequence] too.
@Timeout(600)
class PinnedTierInterleavingsTest {
    private static final int INTERLEAVINGS = 50;
    private static final int SLOT = Long.BYTES;
    private static final int DAMAGED = 2;
    private static final FakeSource SOURCE = new FakeSource(1, 3, SLOT);

    /// The checker switches threads only at objects that it knows to be shared, which those in a static field are, and
    /// makes them again before each try what they were at first.
    static @Nullable PinnedTier shared;

    @Test
    void noInterleavingLosesASlotOrAWakeUp() throws IOException, InterruptedException {
        ModelChecking.check(PinnedTierInterleavingsTest.class);
    }

    static void main() {
        SOURCE.beforeRead = id -> {
            if (id == DAMAGED) {
                throw new MalformedModelException("damaged");
            }
        };
        try (PinnedTier one = tier(1);
                PinnedTier two = tier(2)) {
            shared = one;
            Lincheck.runConcurrentTest(INTERLEAVINGS, () -> twoWantTheOnlySlot(one));
            Lincheck.runConcurrentTest(INTERLEAVINGS, () -> whoWaitsBehindAFailureGetsTheSlot(one));
            Lincheck.runConcurrentTest(INTERLEAVINGS, () -> loadersHoldAllSlotsWhenALayerEnds(one));
            shared = two;
            Lincheck.runConcurrentTest(INTERLEAVINGS, () -> twoWantTheSameExpert(two));
        }
        Lincheck.runConcurrentTest(INTERLEAVINGS, PinnedTierInterleavingsTest::aSlotGoesAndComesWhileTwoWantOne);
    }

    private static PinnedTier tier(int slots) {
        return PinnedTier.open(
                SOURCE,
                new FakeDevice(),
                new Residency(1, (long) slots * SLOT, Policies.of("lru")),
                new Counters(),
                Loaders.THREADS);
    }

    private static void twoWantTheOnlySlot(PinnedTier tier) {
        User other = new User(tier, 1);
        other.thread.start();
        new User(tier, 0).run();
        if (tier.tryPin(1)) {
            require(FakeSource.holds(tier.block(1), 1), "it has left though it is pinned");
            tier.unpin(1);
        }
        require(other.isRight(), "the other has another expert");
        require(tier.holds(0) != tier.holds(1), "one of them is here");
    }

    private static void whoWaitsBehindAFailureGetsTheSlot(PinnedTier tier) {
        User other = new User(tier, 1);
        other.thread.start();
        try {
            new User(tier, DAMAGED).run();
            throw new AssertionError("a damaged expert came");
        } catch (MalformedModelException e) {
            require(other.isRight(), "the other has another expert");
        }
        require(!tier.holds(DAMAGED), "a damaged expert stayed");
        new User(tier, 1).run();
        require(tier.tryPin(1), "the slot is lost");
    }

    private static void loadersHoldAllSlotsWhenALayerEnds(PinnedTier tier) {
        HostSequence sequence = new HostSequence(tier, new Counters(), new LoaderThreads<>(1, 1, 2, 0), 2);
        sequence.begin();
        sequence.add(0);
        sequence.add(1);
        require(sequence.next() && sequence.size() == 1, "the only slot holds one");
        require(FakeSource.holds(sequence.block(0), sequence.expert(0)), "another expert came");
        sequence.end();
        require(tier.tryPin(0) || tier.tryPin(1), "an expert is here and nobody uses it");
    }

    private static void twoWantTheSameExpert(PinnedTier tier) {
        int before = SOURCE.readsOf(0, 0);
        User other = new User(tier, 0);
        other.thread.start();
        new User(tier, 0).run();
        require(other.isRight(), "the other has another expert");
        require(SOURCE.readsOf(0, 0) == before + 1, "it was read twice");
    }

    /// With memory of its own each time, for it is freed.
    private static void aSlotGoesAndComesWhileTwoWantOne() {
        try (PinnedTier tier = tier(2)) {
            shared = tier;
            User other = new User(tier, 1);
            other.thread.start();
            boolean given = tier.elastic().giveBack(1, false);
            new User(tier, 0).run();
            require(!given || tier.elastic().takeAgain(Long.MAX_VALUE) == SLOT, "it did not come back");
            require(other.isRight(), "the other has another expert");
            require(tier.numSlots(0) == 2, "a slot is lost");
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static final class User implements Runnable {
        private final Thread thread = new Thread(this);
        private final PinnedTier tier;
        private final int id;
        private boolean right;

        User(PinnedTier tier, int id) {
            this.tier = tier;
            this.id = id;
        }

        @Override
        public void run() {
            tier.pin(id);
            right = FakeSource.holds(tier.block(id), id);
            tier.unpin(id);
        }

        private boolean isRight() {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return right;
        }
    }
}
