package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
            guard.makeRoom(990 * MIB);
            assertEquals(List.of(90 * MIB), given);
        }
    }

    @Test
    void anInterruptIsKept() {
        try (MemoryGuard guard = guard()) {
            Thread.currentThread().interrupt();
            guard.makeRoom(990 * MIB);
            assertTrue(Thread.interrupted());
            assertEquals(List.of(90 * MIB), given);
        }
    }
}
