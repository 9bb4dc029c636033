package io.moetier.emulator.driver.stream;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleConsumer;
import java.util.function.DoubleSupplier;

/// Runs the commands of all streams of all devices, in an order that CUDA allows.
///
/// Commands run on the thread that calls, when it issues another command, asks, or waits, and never on a
/// thread of the driver's own. So what happens depends on the calls and the seed alone, and a failure comes
/// again with its seed.
public final class Scheduler {
    private static final Errands NO_ERRANDS = new Errands(() -> Double.POSITIVE_INFINITY, nanos -> {});

    private final List<StreamGroup> groups = new ArrayList<>();
    private final List<Errands> errands = new ArrayList<>();
    private final VirtualClock clock;
    private final Order order;
    private final Adversary adversary;
    private long sequence;
    private long workNanos;

    /// What another thread of the host does, where time is computed and there is one thread only.
    private record Errands(DoubleSupplier nextNanos, DoubleConsumer runUntil) {}

    /// @param keepsTimeline whether [#timeline()] is kept
    public Scheduler(Order order, long seed, boolean keepsTimeline) {
        this.order = order;
        adversary = new Adversary(seed);
        clock = new VirtualClock(keepsTimeline);
    }

    /// Adds the streams of a new context.
    public StreamGroup addGroup(int device, StreamGroup.Faults faults) {
        StreamGroup group = new StreamGroup(device, faults);
        groups.add(group);
        return group;
    }

    /// Forgets the streams of a context, which must be idle.
    public void removeGroup(StreamGroup group) {
        groups.remove(group);
    }

    public CommandStream addStream(StreamGroup group, boolean blocking) {
        return group.add(blocking, clock.hostNanos());
    }

    /// Takes leave of a stream: it runs what it was given, and is forgotten then.
    public void retire(CommandStream stream) {
        stream.retire();
        forgetIdle();
    }

    /// Adds a command to the end of a stream.
    public void issue(CommandStream stream, Command command) {
        command.issue(++sequence, clock.hostNanos());
        stream.pending().add(command);
        progress();
    }

    /// Runs until a stream has nothing left, and lets the host wait for it.
    public void synchronize(CommandStream stream) {
        run(() -> stream.pending().isEmpty());
        await(() -> stream.untimed().isEmpty(), stream::nanos);
    }

    /// Runs until no stream of a context has anything left, and lets the host wait for it.
    public void synchronize(StreamGroup group) {
        group.all().forEach(this::synchronize);
        forgetIdle();
    }

    /// Runs until an event is reached, and lets the host wait for it.
    public void synchronize(EventRecord event) {
        run(event::reached);
        await(event::isTimed, event::nanos);
    }

    /// Runs errands of the host when their time comes, also while the host waits.
    ///
    /// @param nextNanos when the next one begins, in the host's virtual time; infinity if there is none
    /// @param runUntil does those whose time has come by then; the host's time is as before when it returns
    public void attend(DoubleSupplier nextNanos, DoubleConsumer runUntil) {
        errands.add(new Errands(nextNanos, runUntil));
    }

    /// Waits, as the host, for what ends at `end` once it has its time; what other threads of the host begin by then
    /// comes between.
    private void await(BooleanSupplier isTimed, DoubleSupplier end) {
        Errands next = nextErrands();
        double nextNanos = next.nextNanos().getAsDouble();
        clock.resolve(all(), nextNanos, isTimed);
        while (!isTimed.getAsBoolean() || nextNanos < end.getAsDouble()) {
            if (nextNanos == Double.POSITIVE_INFINITY) {
                throw new IllegalStateException("what is waited for never ends");
            }
            next.runUntil().accept(nextNanos);
            next = nextErrands();
            nextNanos = next.nextNanos().getAsDouble();
            clock.resolve(all(), nextNanos, isTimed);
        }
        clock.advanceHostTo(end.getAsDouble());
    }

    private Errands nextErrands() {
        Errands next = NO_ERRANDS;
        for (Errands each : errands) {
            next = each.nextNanos().getAsDouble() < next.nextNanos().getAsDouble() ? each : next;
        }
        return next;
    }

    /// Returns whether a stream has nothing left, in virtual time as well. Whoever asks again and again
    /// sees progress.
    public boolean isIdle(CommandStream stream) {
        advance(() -> stream.pending().isEmpty());
        return stream.pending().isEmpty() && stream.untimed().isEmpty() && stream.nanos() <= clock.hostNanos();
    }

    /// Returns whether an event is reached, in virtual time as well. Whoever asks again and again sees
    /// progress.
    public boolean isReached(EventRecord event) {
        advance(event::reached);
        return event.isTimed() && event.nanos() <= clock.hostNanos();
    }

    /// Returns the host's virtual time.
    public double hostNanos() {
        return clock.hostNanos();
    }

    /// Passes time in which the host works.
    public void advanceHost(double nanos) {
        clock.advanceHost(nanos);
    }

    /// Goes on at another time of the host's, which may be earlier: that of another thread, which did what follows
    /// then.
    public void setHost(double nanos) {
        clock.setHost(nanos);
    }

    /// Returns what the engines did so far, as far as the host has waited for it; empty unless it is kept.
    public List<TimelineEntry> timeline() {
        return List.copyOf(clock.timeline());
    }

    /// As [#timeline()], which begins anew.
    public List<TimelineEntry> takeTimeline() {
        List<TimelineEntry> taken = timeline();
        clock.timeline().clear();
        return taken;
    }

    /// Keeps a timeline from now on, or drops it.
    public void keepTimeline(boolean keeps) {
        clock.keepTimeline(keeps);
    }

    /// Returns how long this process took for commands, as opposed to calls.
    public long workNanos() {
        return workNanos;
    }

    /// Returns a seed for the order within a kernel.
    public long kernelSeed() {
        return adversary.seed();
    }

    public boolean isAdversarial() {
        return order == Order.ADVERSARIAL;
    }

    private void forgetIdle() {
        groups.forEach(group -> group.removeIf(stream -> stream.isRetired()
                && stream.pending().isEmpty()
                && stream.untimed().isEmpty()
                && stream.nanos() <= clock.hostNanos()));
    }

    private void advance(BooleanSupplier done) {
        progress();
        if (!done.getAsBoolean()) {
            runNext();
        }
        clock.resolveToNow(all());
    }

    private void progress() {
        int commands = isAdversarial() ? adversary.eagerCommands() : Integer.MAX_VALUE;
        while (commands > 0 && runNext()) {
            commands--;
        }
    }

    private void run(BooleanSupplier done) {
        while (!done.getAsBoolean()) {
            if (!runNext()) {
                throw new IllegalStateException("streams wait for each other");
            }
        }
    }

    private boolean runNext() {
        List<CommandStream> ready = ready();
        if (ready.isEmpty()) {
            return false;
        }
        CommandStream stream = isAdversarial() ? adversary.pick(ready) : earliest(ready);
        Command command = stream.pending().removeFirst();
        long begin = System.nanoTime();
        stream.group().run(command);
        workNanos += System.nanoTime() - begin;
        stream.untimed().add(command);
        return true;
    }

    private List<CommandStream> ready() {
        List<CommandStream> ready = all();
        ready.removeIf(stream -> !stream.isFirst(CommandStream::pending)
                || !stream.pending().getFirst().mayRun());
        return ready;
    }

    private static CommandStream earliest(List<CommandStream> ready) {
        CommandStream earliest = ready.getFirst();
        for (CommandStream stream : ready) {
            if (stream.pending().getFirst().sequence()
                    < earliest.pending().getFirst().sequence()) {
                earliest = stream;
            }
        }
        return earliest;
    }

    private List<CommandStream> all() {
        List<CommandStream> all = new ArrayList<>();
        groups.forEach(group -> all.addAll(group.all()));
        return all;
    }
}
