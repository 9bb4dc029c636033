package io.moetier.runtime.slots;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/// Gives slots of a tier back and takes them again, those of all sizes so that none gets short of the others.
///
/// Concurrency: one thread at a time gives and takes; any thread may ask what has moved, and what the next takes.
public final class ElasticSlots {
    private final List<SlotPieces> sizeClasses;
    private final Tier tier;
    private final Counters counters;
    private final DoubleSupplier nanos;
    private final double openedNanos;
    private final ReentrantLock lock;
    private final Runnable onRestored;
    private boolean taking;
    private volatile SlotMoves moves = SlotMoves.NONE;
    private volatile long partBytes;
    private volatile long nextBytes;
    private volatile long awayBytes;
    private volatile long spareBytes;

    /// @param nanos the clock that tells when slots moved
    /// @param lock which guards the caches of these slots; never held while memory moves
    /// @param onRestored is told, under the lock, that there are more slots than before
    public ElasticSlots(
            List<SlotPieces> sizeClasses,
            Tier tier,
            Counters counters,
            DoubleSupplier nanos,
            ReentrantLock lock,
            Runnable onRestored) {
        this.sizeClasses = List.copyOf(sizeClasses);
        this.tier = tier;
        this.counters = counters;
        this.nanos = nanos;
        this.lock = lock;
        this.onRestored = onRestored;
        openedNanos = nanos.getAsDouble();
        noteParts();
    }

    /// Gives back `byteSize` bytes or a little more, or what can be spared if that is less; returns false if nothing
    /// can.
    ///
    /// @param addresses whether pages alone are not enough
    public boolean giveBack(long byteSize, boolean addresses) {
        if (taking) {
            return false; // what is to be allocated is slots themselves
        }
        long given = 0;
        int numGiven = 0;
        for (Given one; given < byteSize && (one = giveOne(addresses)) != null; ) {
            given += one.byteSize();
            numGiven += one.numSlots();
        }
        noteParts();
        if (numGiven > 0) {
            moves = moves.withGiven(numGiven, given, sinceOpened());
            tell(-numGiven);
        }
        return given > 0;
    }

    /// Slots that are out of use, and the memory that was freed.
    private record Given(int numSlots, long byteSize) {}

    /// Takes one from the size class that has most to spare, if that can give any now.
    private @Nullable Given giveOne(boolean addresses) {
        for (SlotPieces pieces : sorted(SlotPieces::spareBytes)) {
            SlotPieces.Part part;
            lock.lock();
            try {
                part = pieces.retire(addresses);
            } finally {
                lock.unlock();
            }
            if (part != null) {
                return new Given(part.numSlots(), pieces.free(part));
            }
        }
        return null;
    }

    private List<SlotPieces> sorted(ToLongFunction<SlotPieces> bytes) {
        return sizeClasses.stream()
                .sorted(Comparator.comparingLong(bytes).reversed())
                .toList();
    }

    /// Takes again as much as fits into `byteSize` bytes, and returns how much that was: less where no slots are away,
    /// or there is no memory for them after all.
    public long takeAgain(long byteSize) {
        long taken = 0;
        int numTaken = 0;
        taking = true;
        try {
            for (SlotPieces.Part part; (part = takeOne(byteSize - taken)) != null; ) {
                taken += part.byteSize();
                numTaken += part.numSlots();
            }
        } finally {
            taking = false;
        }
        noteParts();
        if (numTaken > 0) {
            moves = moves.withTaken(numTaken, taken, sinceOpened());
            tell(numTaken);
        }
        return taken;
    }

    /// Takes one of the size class of which most is away, if there is memory for it: whatever the reason why not, slots
    /// can stay away.
    private SlotPieces.@Nullable Part takeOne(long mostBytes) {
        SlotPieces pieces = sorted(SlotPieces::awayBytes).getFirst();
        SlotPieces.Part part = pieces.away();
        if (part == null || part.byteSize() > mostBytes) {
            return null;
        }
        @Nullable MemorySegment memory;
        try {
            memory = pieces.allocate(part);
        } catch (RuntimeException | OutOfMemoryError e) {
            return null;
        }
        lock.lock();
        try {
            pieces.restore(part, memory);
            onRestored.run();
        } finally {
            lock.unlock();
        }
        return part;
    }

    private void tell(int change) {
        int now = sizeClasses.stream().mapToInt(SlotPieces::numSlots).sum();
        counters.activity().onSlots(tier, now - change, now);
    }

    private long sinceOpened() {
        return (long) (nanos.getAsDouble() - openedNanos);
    }

    /// Returns what was given back and taken again so far.
    public SlotMoves moves() {
        return moves;
    }

    /// Returns the bytes that are enough for anything that is taken again now, from any thread.
    public long partBytes() {
        return partBytes;
    }

    /// Returns the bytes of what is taken again first, 0 if nothing is away, from any thread.
    public long nextBytes() {
        return nextBytes;
    }

    /// Returns the bytes of all slots that are away, from any thread.
    public long awayBytes() {
        return awayBytes;
    }

    /// Returns the bytes of all slots that can be given back, from any thread.
    public long spareBytes() {
        return spareBytes;
    }

    private void noteParts() {
        awayBytes = sizeClasses.stream().mapToLong(SlotPieces::awayBytes).sum();
        spareBytes = sizeClasses.stream().mapToLong(SlotPieces::spareBytes).sum();
        partBytes = sizeClasses.stream().mapToLong(SlotPieces::partBytes).max().orElse(0);
        nextBytes = sizeClasses.stream()
                .max(Comparator.comparingLong(SlotPieces::awayBytes))
                .map(SlotPieces::away)
                .map(SlotPieces.Part::byteSize)
                .orElse(0L);
    }
}
