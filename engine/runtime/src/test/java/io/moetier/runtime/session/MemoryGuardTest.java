package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import io.moetier.storage.memory.MemoryPressure;
import io.moetier.testdata.TestData;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryGuardTest {
    private static final long MIB = 1L << 20;
    private static final long SECOND = 1_000_000_000L;

    private Kind kind = Kind.GROUP;
    private long limitBytes = 2000 * MIB;
    private long usedBytes = 1000 * MIB;
    private MemoryPressure pressure = MemoryPressure.NONE;
    private final FakeSlots slots = new FakeSlots();
    private final MemoryGuard guard = new MemoryGuard(
            () -> List.of(new MemoryLimit(kind, "the control group /a", limitBytes, usedBytes)), () -> pressure, slots);

    /// 600 MiB of slots that do as they are asked at once, as if nobody computed.
    private final class FakeSlots implements MemoryGuard.Slots {
        final List<Long> asked = new ArrayList<>();
        final List<Long> given = new ArrayList<>();
        boolean addressesGiven;
        boolean computing;
        boolean isAsked;
        boolean isSettling;
        long empty;
        long away;
        Optional<RuntimeException> failure = Optional.empty();

        @Override
        public long emptyBytes() {
            return empty;
        }

        @Override
        public long awayBytes() {
            return away;
        }

        @Override
        public long spareBytes() {
            return allBytes() - 40 * MIB - away;
        }

        @Override
        public long partBytes() {
            return 4 * MIB;
        }

        @Override
        public long allBytes() {
            return 640 * MIB;
        }

        @Override
        public void ask(long bytes, boolean addresses) {
            asked.add(bytes);
            addressesGiven = addresses;
            isAsked = bytes != 0;
        }

        @Override
        public boolean isAsked() {
            return isAsked;
        }

        @Override
        public boolean isSettling() {
            return isSettling;
        }

        @Override
        public void settleIfIdle() {
            failure.ifPresent(e -> {
                throw e;
            });
            if (!computing) {
                settle();
            }
        }

        void settle() {
            isAsked = false;
            move(asked.getLast());
        }

        @Override
        public void giveBack(long bytes, boolean addresses) {
            given.add(bytes);
            addressesGiven = addresses;
            move(bytes);
        }

        private void move(long bytes) {
            long moved = Math.clamp(bytes, -away, spareBytes());
            away += moved;
            usedBytes -= moved;
        }
    }

    @AfterEach
    void endItsThread() {
        guard.close();
    }

    @Test
    void asksForWhatALowerLimitLeavesTooLittleFor() {
        guard.look(false, 0);
        assertEquals(List.of(0L), slots.asked);
        limitBytes = 1020 * MIB;
        guard.look(false, 1);
        assertEquals(limitBytes / 20 - 20 * MIB, slots.asked.getLast());
        guard.look(false, 2);
        assertEquals(0, slots.asked.getLast(), "the reserve is left now");
    }

    @Test
    void slotsThatAreStillToBeFilledCount() {
        slots.empty = 990 * MIB;
        guard.look(false, 0);
        assertEquals(90 * MIB, slots.asked.getLast());
    }

    @Test
    void underPressureAllOfTheReserveIsToBeLeft() {
        usedBytes = 1915 * MIB;
        guard.look(false, 0);
        assertEquals(0, slots.asked.getLast(), "most of it is left");
        pressure = new MemoryPressure(12.5, 0);
        guard.look(false, 1);
        assertEquals(15 * MIB, slots.asked.getLast());
        usedBytes = 1915 * MIB;
        pressure = new MemoryPressure(0, 1);
        guard.look(false, 2);
        assertEquals(15 * MIB, slots.asked.getLast(), "a limit was met");
        usedBytes = 1915 * MIB;
        guard.look(false, 3);
        assertEquals(0, slots.asked.getLast(), "and not again");
    }

    @Test
    void aMachineThatOthersPressKeepsWhatItHadAtFirst() {
        kind = Kind.MACHINE;
        usedBytes = 1700 * MIB;
        guard.look(false, 0);
        assertEquals(0, slots.asked.getLast());
        pressure = new MemoryPressure(50, 0);
        guard.look(false, 1);
        assertEquals(212 * MIB, slots.asked.getLast(), "before it swaps");
    }

    @Test
    void pressureElsewhereIsNoneOfOurs() {
        pressure = new MemoryPressure(99, 7);
        guard.look(false, 0);
        assertEquals(0, slots.asked.getLast(), "1000 MiB are left");
    }

    /// Of a limit that could not be lowered nothing is known but that somebody wanted to.
    @Test
    void everyRefusedLimitTakesASixteenth() {
        guard.look(true, 0);
        guard.look(true, SECOND / 10);
        guard.look(true, SECOND);
        assertEquals(List.of(40 * MIB, 0L, 40 * MIB), slots.asked, "one try may be told twice");
    }

    /// The thread that computes may come to it later than the next look.
    @Test
    void aRefusedLimitIsNotForgottenUntilSlotsGo() {
        slots.computing = true;
        guard.look(true, 0);
        guard.look(false, 1);
        guard.look(false, 2);
        assertTrue(slots.isAsked);
        slots.settle();
        assertEquals(40 * MIB, slots.away);
        guard.look(false, 3);
        assertEquals(0, slots.asked.getLast(), "it has been done");
    }

    /// What is missing in the middle of it is on its way already.
    @Test
    void whileSlotsMoveNothingIsAskedAndNothingForgotten() {
        slots.computing = true;
        limitBytes = 1020 * MIB;
        guard.look(false, 0);
        slots.isSettling = true;
        usedBytes -= 5 * MIB; // some of them are away
        guard.look(false, SECOND);
        guard.look(true, 2 * SECOND);
        assertEquals(1, slots.asked.size());
        usedBytes += 5 * MIB;
        slots.settle();
        slots.isSettling = false;
        guard.look(false, 3 * SECOND);
        assertEquals(40 * MIB, slots.asked.getLast(), "for the limit that was refused in the meantime");
        slots.settle();
        guard.look(false, 4 * SECOND);
        assertEquals(0, slots.asked.getLast());
        assertEquals(3, slots.asked.size());
    }

    /// The kernel tells the same of a group that page cache fills.
    @Test
    void aLimitThatIsMetWasNotRefused() {
        guard.look(false, 0);
        pressure = new MemoryPressure(0, 1);
        guard.look(true, SECOND);
        assertEquals(0, slots.asked.getLast(), "there is room");
        pressure = new MemoryPressure(0, 2);
        usedBytes = 1770 * MIB;
        guard.look(true, 2 * SECOND);
        assertEquals(40 * MIB, slots.asked.getLast(), "there is little");
    }

    /// Another look may have found that it was met when the kernel tells of it.
    @Test
    void aLimitThatWasMetJustNowWasNotRefused() {
        guard.look(false, 0);
        pressure = new MemoryPressure(0, 1);
        guard.look(false, SECOND);
        guard.look(true, SECOND + SECOND / 8);
        assertEquals(List.of(0L, 0L, 0L), slots.asked);
        guard.look(true, 2 * SECOND);
        assertEquals(40 * MIB, slots.asked.getLast());
    }

    /// A limit of addresses has counted slots since they were allocated, whether anything is in them or not.
    @Test
    void slotsThatAreStillToBeFilledHaveTheirAddresses() {
        slots.empty = 990 * MIB;
        kind = Kind.ADDRESSES;
        guard.look(false, 0);
        kind = Kind.DATA;
        guard.look(false, 1);
        guard.makeRoom(MIB);
        assertEquals(List.of(0L, 0L), slots.asked);
        assertEquals(List.of(), slots.given);
    }

    @Test
    void whatIsAskedForAddressesSaysSo() {
        limitBytes = 1020 * MIB;
        guard.look(false, 0);
        assertTrue(slots.asked.getLast() > 0);
        assertFalse(slots.addressesGiven);
        usedBytes = 1000 * MIB;
        kind = Kind.ADDRESSES;
        guard.look(false, 1);
        assertTrue(slots.asked.getLast() > 0);
        assertTrue(slots.addressesGiven);
    }

    @Test
    void allComesBackSlotBySlotWhenTheLimitRises() {
        limitBytes = 1020 * MIB;
        guard.look(false, 0);
        long away = slots.away;
        assertTrue(away > 0);
        limitBytes = 2000 * MIB;
        slots.asked.clear();
        for (long now = 1; now < 20; now++) {
            guard.look(false, now * SECOND / 4);
        }
        assertEquals(0, slots.away);
        assertEquals(-away, slots.asked.stream().mapToLong(Long::longValue).sum());
        List<Long> taken = slots.asked.stream().filter(bytes -> bytes != 0).toList();
        assertEquals(List.of(-4 * MIB, -8 * MIB, -16 * MIB), taken.subList(0, 3));
        assertEquals(List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L), slots.asked.subList(0, 8), "two seconds of calm");
    }

    /// Between what makes it give and what lets it take there is a gap, so that neither brings about the other.
    @Test
    void takesNoMoreThanLeavesMoreThanTheReserve() {
        usedBytes = 1300 * MIB;
        slots.away = 600 * MIB;
        for (long now = 1; now < 200; now++) {
            guard.look(false, now * SECOND / 4);
            assertTrue(slots.asked.getLast() <= 0);
        }
        assertTrue(limitBytes - usedBytes >= 120 * MIB, () -> usedBytes / MIB + " MiB are used");
        assertTrue(limitBytes - usedBytes < 124 * MIB, () -> usedBytes / MIB + " MiB are used");
    }

    @Test
    void makesRoomForWhatIsAllocatedNext() {
        guard.makeRoom(900 * MIB);
        assertEquals(List.of(), slots.given);
        guard.makeRoom(970 * MIB);
        assertEquals(List.of(70 * MIB), slots.given);
    }

    /// What was asked for before is part of what is missing, or was to be taken of what is missing now.
    @Test
    void whoMakesRoomDoesNotGiveTwice() {
        slots.computing = true;
        limitBytes = 1020 * MIB;
        guard.look(false, 0);
        assertTrue(slots.isAsked);
        guard.makeRoom(10 * MIB);
        assertEquals(List.of(limitBytes / 20 - 10 * MIB), slots.given);
        assertFalse(slots.isAsked);
    }

    @Test
    void whoMakesRoomGivesForARefusedLimitAsWell() {
        slots.computing = true;
        guard.look(true, 0);
        guard.makeRoom(930 * MIB);
        assertEquals(List.of(40 * MIB), slots.given, "more than the 30 MiB that are missing");
        assertFalse(slots.isAsked);
    }

    @Test
    void whereAddressesAreShortPagesAreNotEnough() {
        guard.makeRoom(970 * MIB);
        assertEquals(false, slots.addressesGiven);
        kind = Kind.ADDRESSES;
        guard.makeRoom(1040 * MIB);
        assertTrue(slots.addressesGiven);
    }

    @Test
    void aTextThatNothingCanGiveWayToEndsInASentence() {
        slots.away = 600 * MIB; // the least is left
        InvalidOptionException refused = assertThrows(InvalidOptionException.class, () -> guard.makeRoom(990 * MIB));
        assertEquals(List.of(90 * MIB), slots.given);
        assertEquals(
                "contextLength: 990 MiB more of keys and values are needed for the text, and do not fit beside the"
                        + " fewest experts into the 1000 MiB that the control group /a has left of 1.95 GiB, of which"
                        + " 20.0 MiB stay free",
                refused.getMessage());
    }

    @Test
    void aTextThatWillNotFitIsRefusedBeforeAnythingGivesWay() {
        guard.requireRoom(1580 * MIB);
        slots.empty = 100 * MIB; // of which none can give way to anything yet
        guard.requireRoom(1480 * MIB);
        InvalidOptionException refused =
                assertThrows(InvalidOptionException.class, () -> guard.requireRoom(1481 * MIB));
        assertEquals(
                "contextLength: 1.45 GiB more of keys and values are needed for the text, and do not fit beside the"
                        + " fewest experts into the 1.46 GiB that the control group /a has left of 1.95 GiB, of which"
                        + " 20.0 MiB stay free",
                refused.getMessage());
        kind = Kind.ADDRESSES; // which counts what is empty as well
        guard.requireRoom(1580 * MIB);
        kind = Kind.MACHINE;
        guard.requireRoom(5000 * MIB);
        assertEquals(List.of(), slots.given);
    }

    @Test
    void aMachineRefusesNothing() {
        kind = Kind.MACHINE;
        slots.away = 600 * MIB;
        guard.makeRoom(970 * MIB);
        assertEquals(1, slots.given.size());
    }

    @Test
    void anInterruptIsKept() {
        Thread.currentThread().interrupt();
        guard.makeRoom(970 * MIB);
        assertTrue(Thread.interrupted());
        assertEquals(List.of(70 * MIB), slots.given);
    }

    @Test
    void whatFailsWhileNobodyComputesIsToldToWhoComputesNext() {
        RuntimeException failure = new IllegalStateException("a policy");
        slots.failure = Optional.of(failure);
        limitBytes = 1020 * MIB;
        guard.lookInTime();
        assertSame(failure, assertThrows(IllegalStateException.class, guard::requireSound));
        guard.requireSound();
    }

    /// A file that cannot be read now may be read again.
    @Test
    void aLookThatFailsIsToldAndNotTheLast() {
        AssertionError failure = new AssertionError("a file");
        List<MemoryLimit> none = List.of();
        Deque<Runnable> looks = new ArrayDeque<>(List.of(
                () -> {
                    throw failure;
                },
                () -> {}));
        MemoryGuard failing = new MemoryGuard(
                () -> {
                    looks.removeFirst().run();
                    return none;
                },
                () -> pressure,
                slots);
        failing.lookInTime();
        assertSame(failure, assertThrows(AssertionError.class, failing::requireSound));
        slots.empty = 1; // something is being filled
        failing.lookInTime();
        failing.close();
        failing.requireSound();
        assertTrue(looks.isEmpty());
    }

    /// What stays empty, as nothing is chosen that would fill it, is no reason to look more often.
    @Test
    void looksMoreOftenOnlyWhileSlotsAreBeingFilled() {
        slots.empty = 500 * MIB;
        guard.lookInTime();
        assertEquals(1, slots.asked.size());
        guard.look(false, Long.MAX_VALUE / 2); // none is due
        guard.lookInTime();
        assertEquals(2, slots.asked.size());
        slots.empty = 499 * MIB;
        guard.lookInTime();
        assertEquals(3, slots.asked.size());
    }

    /// The heap is there as addresses from the start, and what a text takes later is asked for then.
    @Test
    void expertsGiveWayToBuffersInTheHeapWherePagesAreCounted() {
        guard.giveWay(900 * MIB);
        assertEquals(List.of(), slots.given);
        guard.giveWay(970 * MIB);
        assertEquals(List.of(70 * MIB), slots.given);
        guard.giveWay(2000 * MIB);
        assertEquals(600 * MIB, slots.away, "all that can go, and nothing is refused");
        slots.given.clear();
        kind = Kind.ADDRESSES;
        guard.giveWay(2000 * MIB);
        assertEquals(List.of(), slots.given);
    }

    /// One session is in the plan of its engine, those beside it are not.
    @Test
    void expertsGiveWayToASecondSessionOfAnEngine() {
        AtomicLong left = new AtomicLong(1000 * MIB);
        try (Engine engine = Engine.open(
                ImportedStores.of(TestData.tinyMixtral()),
                EngineConfig.DEFAULT,
                tiers -> new MemoryGuard(() -> List.of(groupOf1000(left.get())), () -> MemoryPressure.NONE, tiers))) {
            ExpertTiers tiers = engine.expertTiers();
            left.set(tiers.emptyBytes() + 40 * MIB); // just what is to stay of the reserve
            engine.newSession().close();
            try (Session _ = engine.newSession()) {
                assertEquals(0, tiers.awayBytes());
                engine.newSession().close();
                assertTrue(tiers.awayBytes() > 0, "experts gave way");
            }
        }
    }

    /// A first prompt would fill slots before anybody looks.
    @Test
    void whatOfABudgetDoesNotFitGoesBeforeAnythingIsRead() {
        try (Engine engine = Engine.open(
                ImportedStores.of(TestData.tinyMixtral()),
                EngineConfig.DEFAULT.withRamBytes(16 * MIB),
                tiers -> new MemoryGuard(() -> List.of(groupOf1000(50 * MIB)), () -> MemoryPressure.NONE, tiers))) {
            assertTrue(engine.expertTiers().awayBytes() >= 15 * MIB, "of which none fits beside the reserve");
        }
    }

    private static MemoryLimit groupOf1000(long left) {
        return new MemoryLimit(Kind.GROUP, "the control group /a", 1000 * MIB, 1000 * MIB - left);
    }
}
