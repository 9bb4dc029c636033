package io.moetier.runtime.session;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.remote.ExpertShare;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryAlarm;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryPressure;
import io.moetier.storage.thread.Uninterrupted;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Has slots of experts given back when memory gets short, because a limit was lowered or something else has grown, and
/// taken again when there is room for them.
///
/// A thread of its own looks at the limits four times a second, ten times while slots are being filled, and
/// whenever the kernel says that memory is short; for that takes files to be read, which allocates. What it
/// finds it asks of the [Slots]: the thread that computes acts before its next layer. While none computes, this
/// one does. Only what needs memory itself waits, with [#makeRoom(long)] and [#giveWay(long)]. Whatever goes
/// wrong, it looks again, and tells who computes next.
public final class MemoryGuard implements AutoCloseable {
    private static final long PERIOD_MILLIS = 100;
    private static final long PERIOD_NANOS = 250_000_000;
    private static final double MANY_STALLS = 10; // percent of the time
    private static final int STEPS = 16;

    private final Supplier<List<MemoryLimit>> limits;
    private final Supplier<MemoryPressure> pressure;
    private final Slots slots;
    private final ScheduledExecutorService thread;
    private final ElasticRule rule = new ElasticRule(); // guarded by this, as the next six
    private long events = Long.MAX_VALUE; // as of the last look
    private long metNanos = -PERIOD_NANOS;
    private long lookedNanos;
    private long refusedNanos = -PERIOD_NANOS;
    private long owed; // bytes for a limit that was refused, until slots go for it
    private boolean refusedMeanwhile; // while slots were moving
    private boolean asksForAlarms; // with its first look; of the thread, as the next
    private long emptyBefore;
    private @Nullable MemoryAlarm alarm; // of the thread, until that has ended
    private volatile @Nullable Throwable failure; // of a look, or in slots while nobody computed

    /// The slots of experts in main memory. The threads of the guard and of its alarm call all but [#giveBack]; to make
    /// room, the thread that computes calls that, and what it needs of the rest.
    interface Slots {
        /// Returns the bytes of slots whose pages are still to come.
        long emptyBytes();

        /// Returns the bytes of slots that are away.
        long awayBytes();

        /// Returns the bytes of slots that can be given back.
        long spareBytes();

        /// Returns the bytes of what can be taken again at least.
        long partBytes();

        /// Returns the bytes of all slots.
        long allBytes();

        /// Asks for so many bytes to be given back, or if it is negative, to be taken again; what was asked for before
        /// counts no more, unless it is being done: then this does not.
        ///
        /// @param addresses whether pages alone are not enough
        void ask(long bytes, boolean addresses);

        /// Says whether anything that was asked for was not done yet.
        boolean isAsked();

        /// Says whether what was asked for is being done.
        boolean isSettling();

        /// Has it done, if nobody computes.
        void settleIfIdle();

        /// Gives so many bytes back, or what it can. Called by the thread that computes.
        ///
        /// @param addresses whether pages alone are not enough
        void giveBack(long bytes, boolean addresses);
    }

    MemoryGuard(Supplier<List<MemoryLimit>> limits, Supplier<MemoryPressure> pressure, Slots slots) {
        this.limits = limits;
        this.pressure = pressure;
        this.slots = slots;
        thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("moetier-memory").factory());
    }

    /// Begins to watch over the limits of this process, for experts that it computes for others.
    ///
    /// @param share to be closed after this
    /// @param computing is held by whoever uses the share
    public static MemoryGuard start(ExpertShare share, Lock computing) {
        return start(TierSlots.of(share, computing));
    }

    /// Begins to watch over the limits of this process.
    static MemoryGuard start(Slots slots) {
        MemoryGuard guard = new MemoryGuard(MemoryBudget::limits, MemoryPressure::now, slots);
        guard.asksForAlarms = true;
        ScheduledFuture<?> _ = guard.thread.scheduleWithFixedDelay(
                guard::lookInTime, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        return guard;
    }

    /// A look of the thread that may not be due.
    void lookInTime() {
        try {
            if (asksForAlarms) {
                asksForAlarms = false; // here, since it takes a while
                alarm = MemoryAlarm.start(this::onShortage).orElse(null);
            }
            long now = System.nanoTime();
            long empty = slots.emptyBytes();
            boolean filling = empty != emptyBefore;
            emptyBefore = empty;
            if (filling || isTimeTo(now)) {
                look(false, now);
            }
        } catch (Throwable e) { // the top of the thread, which goes on
            failure = e;
        }
    }

    private void onShortage(boolean refused) {
        try {
            look(refused, System.nanoTime());
        } catch (Throwable e) { // the top of the alarm's thread, which goes on
            failure = e;
        }
    }

    private synchronized boolean isTimeTo(long now) {
        return now - lookedNanos >= PERIOD_NANOS;
    }

    /// Looks at the limits, unless slots are moving: what these leave is half told then, and the next look is soon.
    ///
    /// @param maybeRefused whether somebody may have tried to lower a limit in vain, of which no limit tells
    synchronized void look(boolean maybeRefused, long now) {
        boolean settling = slots.isSettling();
        List<MemoryLimit> present = limits.get();
        settling |= slots.isSettling();
        boolean refused = maybeRefused || refusedMeanwhile;
        refusedMeanwhile = refused && settling;
        if (settling) {
            return;
        }
        lookedNanos = now;
        MemoryPressure found = pressure.get();
        boolean meets = found.events() > events;
        boolean pressed = meets || found.stalled() >= MANY_STALLS;
        if (meets) {
            metNanos = now;
        }
        boolean met = now - metNanos < PERIOD_NANOS; // of which the alarm may tell only after a look
        events = found.events();
        long empty = slots.emptyBytes();
        boolean newlyRefused = refused
                && now - refusedNanos >= PERIOD_NANOS // one try is told many times
                && (!met || MemoryBudget.room(present, empty, true) < 0); // else page cache met it
        if (newlyRefused) {
            refusedNanos = now;
            owed = slots.allBytes() / STEPS;
        } else if (!slots.isAsked()) {
            owed = 0;
        }
        long missing = MemoryBudget.shortage(present, 0, empty, pressed);
        long change = rule.change(
                Math.max(missing, owed),
                MemoryBudget.room(present, empty, pressed),
                slots.awayBytes(),
                slots.partBytes(),
                slots.allBytes(),
                now);
        if (newlyRefused || owed == 0 || change > owed) { // else it is asked for already
            slots.ask(change, MemoryBudget.ofAddresses(present, 0, empty, pressed));
        }
        if (change != 0) {
            slots.settleIfIdle();
        }
    }

    /// Throws what went wrong, in a look or while nobody computed. To be called between steps by the thread that
    /// computes.
    public void requireSound() {
        Throwable found = failure;
        if (found != null) {
            failure = null;
            if (found instanceof Error error) {
                throw error;
            }
            throw found instanceof RuntimeException e ? e : new IllegalStateException(found);
        }
    }

    /// Checks that there will be room for `bytes` of keys and values, once experts have given way. To be called before
    /// anything is computed of a text that needs them in the end.
    ///
    /// @throws InvalidOptionException if it is certain that there will not
    void requireRoom(long bytes) {
        long spare = slots.spareBytes();
        long empty = slots.emptyBytes();
        await(thread.submit(() -> MemoryBudget.tightest(MemoryBudget.after(limits.get(), spare, empty), bytes)))
                .ifPresent(limit -> {
                    throw tooLong(bytes, limit);
                });
    }

    /// Gives back what is missing for `bytes` of keys and values. To be called between steps by the thread that
    /// computes.
    ///
    /// @throws InvalidOptionException if too little is left even so
    void makeRoom(long bytes) {
        long empty = slots.emptyBytes();
        List<MemoryLimit> present = await(thread.submit(limits::get));
        long missing = MemoryBudget.shortage(present, bytes, empty, false);
        if (missing > 0) {
            slots.giveBack(Math.max(missing, withdraw()), MemoryBudget.ofAddresses(present, bytes, empty, false));
            await(thread.submit(() -> MemoryBudget.tightest(limits.get(), bytes)))
                    .ifPresent(limit -> {
                        throw tooLong(bytes, limit);
                    });
        }
    }

    /// Gives back what is missing for `bytes` in the Java heap, or what it can. To be called between steps by
    /// the thread that computes. Limits of addresses and of data have the whole heap in them already; nothing is
    /// refused, as there may be garbage in it.
    void giveWay(long bytes) {
        long toCome = slots.emptyBytes() + bytes;
        List<MemoryLimit> present = await(thread.submit(limits::get));
        long missing = MemoryBudget.shortage(present, 0, toCome, false);
        if (missing > 0) {
            slots.giveBack(Math.max(missing, withdraw()), MemoryBudget.ofAddresses(present, 0, toCome, false));
        }
    }

    /// Takes back what was asked for, which what is missing now contains; returns what of it no limit tells.
    private synchronized long withdraw() {
        long refused = slots.isAsked() ? owed : 0;
        owed = 0;
        slots.ask(0, false);
        return refused;
    }

    private static InvalidOptionException tooLong(long bytes, MemoryLimit limit) {
        return new InvalidOptionException(
                "contextLength",
                ByteSize.format(bytes)
                        + " more of keys and values are needed for the text, and do not fit beside the fewest experts"
                        + " into the " + limit.left() + ", of which "
                        + ByteSize.format(MemoryBudget.hardPart(limit)) + " stay free");
    }

    private static <T> T await(Future<T> found) {
        try {
            return Uninterrupted.get(found::get);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the limits of memory could not be read", e);
        }
    }

    @Override
    public void close() {
        thread.close();
        Optional.ofNullable(alarm).ifPresent(MemoryAlarm::close);
    }
}
