package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SlotReleasesTest {
    private static final int EVENTS = 64;

    private final FakeDevice device = new FakeDevice();
    private final AtomicInteger done = new AtomicInteger();

    private void callKernel() {
        device.call(done::incrementAndGet);
    }

    private long giveBack(SlotReleases releases) {
        long group = releases.next();
        releases.record();
        return group;
    }

    @Test
    void aSlotIsFreeWhenTheKernelsBeforeItsReleaseAreDone() {
        try (SlotReleases releases = new SlotReleases(device)) {
            callKernel();
            callKernel();
            long group = giveBack(releases);
            callKernel();
            releases.of(group).synchronize();
            assertEquals(2, done.get());
        }
    }

    @Test
    void aSlotThatNoKernelHasReadIsFreeAtOnce() {
        try (SlotReleases releases = new SlotReleases(device)) {
            callKernel();
            long _ = giveBack(releases);
            releases.of(0).synchronize();
            assertEquals(0, done.get());
        }
    }

    @Test
    void eachOfManyGroupsIsFreeWhenItsOwnKernelsAreDone() {
        try (SlotReleases releases = new SlotReleases(device)) {
            for (int i = 1; i <= 3 * EVENTS; i++) {
                callKernel();
                long group = giveBack(releases);
                assertTrue(done.get() >= i - EVENTS, "the event was used while its last group was not done");
                if (group > EVENTS) {
                    releases.of(group - EVENTS).synchronize();
                    assertTrue(done.get() >= group - EVENTS);
                }
            }
            long last = 3L * EVENTS;
            releases.of(last - 1).synchronize();
            assertEquals(last - 1, done.get());
        }
    }

    /// What failed was the event, so the next one who needs it records it: later, but behind the kernels.
    @Test
    void aReleaseThatCouldNotBeRecordedIsRecordedWhenItIsNeeded() {
        try (SlotReleases releases = new SlotReleases(device)) {
            callKernel();
            long group = releases.next();
            assertFalse(done.get() > 0);
            releases.of(group).synchronize();
            assertEquals(1, done.get());
        }
    }

    @Test
    void aReleaseThatCouldNotBeRecordedIsRecordedWithTheNextOne() {
        try (SlotReleases releases = new SlotReleases(device)) {
            callKernel();
            long group = releases.next();
            device.recordsNothing = true;
            assertThrows(FakeDevice.Failure.class, releases::record);
            device.recordsNothing = false;
            long _ = giveBack(releases);
            releases.of(group).synchronize();
            assertEquals(1, done.get());
        }
    }

    @Test
    void whateverFailsWhenItIsOpenedNothingIsLeft() {
        for (int call = 1; call <= EVENTS + 1; call++) {
            device.failAt(call);
            assertThrows(FakeDevice.Failure.class, () -> new SlotReleases(device).close());
            assertEquals(0, device.numOpen.get());
        }
    }
}
