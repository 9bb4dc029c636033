package io.moetier.emulator.driver.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.memory.DeviceFault;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What other threads of the host do while one of them waits, in virtual time.
class SchedulerTest {
    private static final int COPIES = 3;
    private static final double COPY_NANOS = 100;

    private final Scheduler scheduler = new Scheduler(Order.ISSUE, 0, false);
    private final StreamGroup group = scheduler.addGroup(0, new StreamGroup.Faults() {
        @Override
        public void fault(String command, DeviceFault fault) {
            throw fault;
        }

        @Override
        public boolean any() {
            return false;
        }
    });
    private final Engine compute = new Engine(0, EngineKind.COMPUTE);
    private final Engine link = new Engine(0, EngineKind.TO_DEVICE);

    /// A thread that copies, one after the other.
    private final class Copies {
        private final CommandStream stream = scheduler.addStream(group, false);
        private double next;
        private int left = COPIES;

        Copies(double first) {
            next = first;
        }

        double nextNanos() {
            return left == 0 ? Double.POSITIVE_INFINITY : next;
        }

        void runUntil(double nanos) {
            double now = scheduler.hostNanos();
            while (nextNanos() <= nanos) {
                scheduler.setHost(next);
                left--;
                scheduler.issue(stream, Command.work("copy", List.of(link), () -> COPY_NANOS));
                scheduler.synchronize(stream);
                next = scheduler.hostNanos();
            }
            scheduler.setHost(now);
        }
    }

    private void computeFor(CommandStream kernels, double nanos) {
        scheduler.issue(kernels, Command.work("kernel", List.of(compute), () -> nanos));
    }

    @Test
    void copiesBeginWhenTheirTimeHasComeThoughTheHostWaits() {
        CommandStream kernels = scheduler.addStream(group, false);
        Copies copies = new Copies(50);
        scheduler.attend(copies::nextNanos, copies::runUntil);
        computeFor(kernels, 1000);
        scheduler.issue(kernels, Command.work("send", List.of(link), () -> 10));
        scheduler.synchronize(kernels);
        assertEquals(50 + COPIES * COPY_NANOS, copies.next, "the link was free until the kernel ended");
        assertEquals(1010, scheduler.hostNanos());
    }

    @Test
    void whatBeginsLaterThanTheWaitEndsIsLeftAlone() {
        CommandStream kernels = scheduler.addStream(group, false);
        Copies copies = new Copies(2000);
        scheduler.attend(copies::nextNanos, copies::runUntil);
        computeFor(kernels, 1000);
        scheduler.synchronize(kernels);
        assertEquals(COPIES, copies.left);
        assertEquals(1000, scheduler.hostNanos());
    }

    @Test
    void whatTheHostSendsWaitsForTheCopyUnderWay() {
        CommandStream kernels = scheduler.addStream(group, false);
        Copies copies = new Copies(50);
        scheduler.attend(copies::nextNanos, copies::runUntil);
        computeFor(kernels, 180);
        scheduler.issue(kernels, Command.work("send", List.of(link), () -> 10));
        scheduler.synchronize(kernels);
        assertEquals(260, scheduler.hostNanos(), "behind the second copy");
    }
}
