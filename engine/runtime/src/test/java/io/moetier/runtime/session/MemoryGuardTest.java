package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MemoryGuardTest {
    private static final long MIB = 1L << 20;

    private final AtomicLong limitBytes = new AtomicLong(2000 * MIB);
    private final List<Long> given = new ArrayList<>();

    private MemoryGuard guard() {
        return new MemoryGuard(
                () -> List.of(new MemoryLimit(Kind.GROUP, "the control group /a", limitBytes.get(), 1000 * MIB)),
                given::add);
    }

    @Test
    void givesBackOnceWhatALowerLimitLeavesTooLittleFor() {
        try (MemoryGuard guard = guard()) {
            guard.look();
            guard.relieve();
            assertEquals(List.of(), given);
            limitBytes.set(1020 * MIB);
            guard.relieve();
            assertEquals(List.of(), given, "nobody has looked");
            guard.look();
            guard.relieve();
            guard.relieve();
            assertEquals(List.of(1020 * MIB / 20 - 20 * MIB), given);
        }
    }

    @Test
    void makesRoomForWhatIsAllocatedNext() {
        try (MemoryGuard guard = guard()) {
            guard.makeRoom(900 * MIB);
            assertEquals(List.of(), given);
            guard.makeRoom(970 * MIB);
            assertEquals(List.of(70 * MIB), given);
        }
    }

    @Test
    void aTextThatNothingCanGiveWayToEndsInASentence() {
        try (MemoryGuard guard = guard()) {
            InvalidOptionException refused =
                    assertThrows(InvalidOptionException.class, () -> guard.makeRoom(990 * MIB));
            assertEquals(List.of(90 * MIB), given);
            assertEquals(
                    "contextLength: 990 MiB more of keys and values are needed for the text, and no more experts can"
                            + " give way to them: they do not fit into the 1000 MiB that the control group /a has left"
                            + " of 1.95 GiB",
                    refused.getMessage());
        }
    }

    @Test
    void whatIsGivenBackCounts() {
        AtomicLong used = new AtomicLong(1500 * MIB);
        try (MemoryGuard guard = new MemoryGuard(
                () -> List.of(new MemoryLimit(Kind.GROUP, "the control group /a", 2000 * MIB, used.get())),
                bytes -> used.addAndGet(-bytes))) {
            guard.makeRoom(700 * MIB);
            assertEquals(1500 * MIB - 300 * MIB, used.get());
        }
    }

    @Test
    void aMachineRefusesNothing() {
        try (MemoryGuard guard = new MemoryGuard(
                () -> List.of(new MemoryLimit(Kind.MACHINE, "this machine", 2000 * MIB, 1500 * MIB)), given::add)) {
            guard.makeRoom(700 * MIB);
            assertEquals(1, given.size());
        }
    }

    @Test
    void anInterruptIsKept() {
        try (MemoryGuard guard = guard()) {
            Thread.currentThread().interrupt();
            guard.makeRoom(970 * MIB);
            assertTrue(Thread.interrupted());
            assertEquals(List.of(70 * MIB), given);
        }
    }
}
