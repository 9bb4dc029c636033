package io.moetier.emulator.driver.stream;

import java.util.ArrayDeque;
import java.util.function.Function;

/// A stream: commands in order, first those that have not run, then those that ran and have no time yet.
public final class CommandStream {
    private final StreamGroup group;
    private final int number;
    private final boolean blocking;
    private final ArrayDeque<Command> pending = new ArrayDeque<>();
    private final ArrayDeque<Command> untimed = new ArrayDeque<>();
    private double nanos;
    private long priority;
    private boolean retired;

    CommandStream(StreamGroup group, int number, boolean blocking, double nanos) {
        this.group = group;
        this.number = number;
        this.blocking = blocking;
        this.nanos = nanos;
    }

    /// Returns the streams of the same context.
    public StreamGroup group() {
        return group;
    }

    /// Returns its number within the context; the null stream is 0.
    public int number() {
        return number;
    }

    /// Returns whether it waits for the null stream, and the null stream for it.
    public boolean isBlocking() {
        return blocking;
    }

    boolean isNull() {
        return number == 0;
    }

    ArrayDeque<Command> pending() {
        return pending;
    }

    ArrayDeque<Command> untimed() {
        return untimed;
    }

    /// When its last timed command ended.
    double nanos() {
        return nanos;
    }

    void endAt(double time) {
        nanos = time;
    }

    boolean isRetired() {
        return retired;
    }

    void retire() {
        retired = true;
    }

    long priority() {
        return priority;
    }

    void setPriority(long value) {
        priority = value;
    }

    /// Returns whether the first command of a queue comes before everything that it must come after by the
    /// rules of the null stream: that stream waits for what blocking streams were given earlier, and they
    /// for it.
    boolean isFirst(Function<CommandStream, ArrayDeque<Command>> queue) {
        Command first = queue.apply(this).peekFirst();
        if (first == null) {
            return false;
        }
        if (isNull()) {
            return group.streams().stream().noneMatch(other -> other.blocking && other.holdsEarlier(queue, first));
        }
        return !blocking || !group.nullStream().holdsEarlier(queue, first);
    }

    private boolean holdsEarlier(Function<CommandStream, ArrayDeque<Command>> queue, Command than) {
        Command first = queue.apply(this).peekFirst();
        return first != null && first.sequence() < than.sequence();
    }
}
