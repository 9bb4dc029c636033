package io.moetier.emulator.driver.stream;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// Something that a stream does: work, a wait for an event, or the recording of one.
public final class Command {
    private final String label;
    private final List<Engine> engines;
    private final @Nullable Work work;
    private final @Nullable EventRecord awaited;
    private final @Nullable EventRecord recorded;
    private long sequence;
    private double issuedAt;
    private double durationNanos;

    /// What a command does when its turn comes.
    @FunctionalInterface
    public interface Work {
        /// Does it, and returns for how many nanoseconds its engines are busy with it.
        ///
        /// @throws io.moetier.emulator.memory.DeviceFault if the device would not let it
        double run();
    }

    private Command(
            String label,
            List<Engine> engines,
            @Nullable Work work,
            @Nullable EventRecord awaited,
            @Nullable EventRecord recorded) {
        this.label = label;
        this.engines = engines;
        this.work = work;
        this.awaited = awaited;
        this.recorded = recorded;
    }

    /// Returns a command that does something.
    ///
    /// @param label for people
    /// @param engines all that it occupies; none if it takes no time
    public static Command work(String label, List<Engine> engines, Work work) {
        return new Command(label, engines, work, null, null);
    }

    public static Command await(EventRecord event) {
        return new Command("", List.of(), null, event, null);
    }

    public static Command record(EventRecord event) {
        return new Command("", List.of(), null, null, event);
    }

    String label() {
        return label;
    }

    List<Engine> engines() {
        return engines;
    }

    long sequence() {
        return sequence;
    }

    double issuedAt() {
        return issuedAt;
    }

    double durationNanos() {
        return durationNanos;
    }

    @Nullable
    EventRecord awaited() {
        return awaited;
    }

    void issue(long number, double time) {
        sequence = number;
        issuedAt = time;
    }

    boolean mayRun() {
        return awaited == null || awaited.reached();
    }

    void run() {
        if (work != null) {
            durationNanos = work.run();
        }
    }

    void reach() {
        if (recorded != null) {
            recorded.reach();
        }
    }

    void reachAt(double time) {
        if (recorded != null) {
            recorded.reachAt(time);
        }
    }
}
