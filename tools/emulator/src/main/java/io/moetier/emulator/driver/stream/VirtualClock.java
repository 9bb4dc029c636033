package io.moetier.emulator.driver.stream;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Virtual time: of the host, of each stream, and of each engine.
///
/// Commands get their times after they ran, since only then it is known what a kernel costs. Of those that
/// ran, the one that can start first gets its time first: after it was issued, after the command before it,
/// after the event that it waits for, and when its engines are free. A call that waits moves the host's
/// time to the end of what it waited for.
///
/// Under [Order#ISSUE] everything issued has run by then, so times depend on the calls alone. Under
/// [Order#ADVERSARIAL] a command that ran late may find its engine taken by one that would have come after
/// it.
final class VirtualClock {
    private final List<TimelineEntry> timeline = new ArrayList<>();
    private boolean keepsTimeline;
    private double hostNanos;

    VirtualClock(boolean keepsTimeline) {
        this.keepsTimeline = keepsTimeline;
    }

    double hostNanos() {
        return hostNanos;
    }

    List<TimelineEntry> timeline() {
        return timeline;
    }

    /// Keeps a timeline from now on, or drops it.
    void keepTimeline(boolean keeps) {
        keepsTimeline = keeps;
        timeline.clear();
    }

    void advanceHost(double nanos) {
        hostNanos += nanos;
    }

    /// Goes on at another time, which may be earlier: that of another thread of the host.
    void setHost(double nanos) {
        hostNanos = nanos;
    }

    void advanceHostTo(double nanos) {
        hostNanos = Math.max(hostNanos, nanos);
    }

    /// Gives commands their times until `done`, or until none that starts before `limit` can have one.
    void resolve(List<CommandStream> streams, double limit, BooleanSupplier done) {
        while (!done.getAsBoolean() && resolveOne(streams, limit)) {
            // the loop's condition does it
        }
    }

    /// Gives times to all commands that start up to now.
    void resolveToNow(List<CommandStream> streams) {
        while (resolveOne(streams, hostNanos)) {
            // as above
        }
    }

    private boolean resolveOne(List<CommandStream> streams, double limit) {
        CommandStream first = null;
        double start = Double.POSITIVE_INFINITY;
        for (CommandStream stream : streams) {
            double candidate = start(stream);
            boolean tie = candidate == start && first != null && isEarlier(stream, first);
            if (candidate < start || tie) {
                first = stream;
                start = candidate;
            }
        }
        if (first == null || start > limit) {
            return false;
        }
        place(first, start);
        return true;
    }

    private static boolean isEarlier(CommandStream stream, CommandStream than) {
        Command one = stream.untimed().peekFirst();
        Command other = than.untimed().peekFirst();
        return one != null && other != null && one.sequence() < other.sequence();
    }

    /// Returns when the stream's first untimed command can start, infinity if that is not known yet.
    private static double start(CommandStream stream) {
        if (!stream.isFirst(CommandStream::untimed)) {
            return Double.POSITIVE_INFINITY;
        }
        Command command = stream.untimed().getFirst();
        double start = Math.max(Math.max(stream.nanos(), command.issuedAt()), nullStreamRule(stream));
        @Nullable EventRecord awaited = command.awaited();
        if (awaited != null) {
            start = Math.max(start, awaited.isTimed() ? awaited.nanos() : Double.POSITIVE_INFINITY);
        }
        for (Engine engine : command.engines()) {
            start = Math.max(start, engine.freeAt());
        }
        return start;
    }

    private static double nullStreamRule(CommandStream stream) {
        if (!stream.isNull()) {
            return stream.isBlocking() ? stream.group().nullStream().nanos() : 0;
        }
        double latest = 0;
        for (CommandStream other : stream.group().streams()) {
            latest = other.isBlocking() ? Math.max(latest, other.nanos()) : latest;
        }
        return latest;
    }

    private void place(CommandStream stream, double start) {
        Command command = stream.untimed().removeFirst();
        double end = start + command.durationNanos();
        stream.endAt(end);
        command.reachAt(end);
        for (Engine engine : command.engines()) {
            engine.occupy(start, end);
            if (keepsTimeline) {
                timeline.add(new TimelineEntry(
                        engine.device(),
                        engine.kind(),
                        stream.number(),
                        command.label(),
                        command.issuedAt(),
                        start,
                        end));
            }
        }
    }
}
