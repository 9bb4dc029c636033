package io.moetier.cli.hostile;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/// How long an input may take. The bound is one of processor time, which other programs on the machine do not use up;
/// that of time only ends what waits for ever.
final class Bounds {
    private static final Duration PROCESSOR = Duration.ofSeconds(10);
    private static final Duration WAITING = Duration.ofMinutes(3);
    private static final int LOOK_MILLIS = 2;

    private Bounds() {}

    /// Waits until something is done.
    ///
    /// @return the processor time since `before`
    /// @throws AssertionError if a bound is reached, or if the process dies before
    static Duration await(String what, ProcessHandle process, Duration before, BooleanSupplier done)
            throws InterruptedException {
        long began = System.nanoTime();
        while (!done.getAsBoolean()) {
            Duration used = processorTime(process).minus(before);
            if (used.compareTo(PROCESSOR) > 0) {
                throw new AssertionError(what + ": took more than " + PROCESSOR + " of processor time");
            }
            if (System.nanoTime() - began > WAITING.toNanos()) {
                throw new AssertionError(what + ": still waits after " + WAITING);
            }
            Thread.sleep(LOOK_MILLIS);
        }
        return processorTime(process).minus(before);
    }

    static Duration processorTime(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
