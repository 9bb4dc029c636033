package io.moetier.runtime.metrics;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/// What an engine has done since it was opened. Every report reads a [#snapshot()] of these and nothing else.
///
/// Also tells an [ActivityListener] what it does, if there is one.
///
/// Any thread may add, any thread may take a snapshot; a snapshot taken during a run may be ahead in one counter and
/// behind in another.
public final class Counters {
    private final LongAdder expertHits = new LongAdder();
    private final LongAdder expertMisses = new LongAdder();
    private final LongAdder evictions = new LongAdder();
    private final LongAdder diskBytes = new LongAdder();
    private final LongAdder copiedBytes = new LongAdder();
    private final LongAdder copyNanos = new LongAdder();
    private final LongAdder hostHits = new LongAdder();
    private final LongAdder computedOnHost = new LongAdder();
    private final LongAdder loadNanos = new LongAdder();
    private final LongAdder waitNanos = new LongAdder();
    private final LongAdder prefillTokens = new LongAdder();
    private final LongAdder prefillNanos = new LongAdder();
    private final LongAdder decodeTokens = new LongAdder();
    private final LongAdder decodeNanos = new LongAdder();
    private final LongAdder expertsComputed = new LongAdder();
    private final LongAdder routedTokens = new LongAdder();
    private final LongAdder chosenExperts = new LongAdder();
    private final LongAdder prefetches = new LongAdder();
    private final LongAdder prefetchHits = new LongAdder();

    private volatile ActivityListener activity = ActivityListener.NONE;

    /// Has a listener told of everything from now on.
    public void listen(ActivityListener listener) {
        activity = listener;
    }

    /// Returns who is told what the engine does.
    public ActivityListener activity() {
        return activity;
    }

    public void addHits(long experts) {
        expertHits.add(experts);
    }

    public void addMisses(long experts) {
        expertMisses.add(experts);
    }

    public void addEviction() {
        evictions.increment();
    }

    /// Adds one expert read from disk.
    public void addDiskLoad(long bytes, long nanos) {
        diskBytes.add(bytes);
        loadNanos.add(nanos);
    }

    /// Adds one expert that came to a device, from main memory if a layer needed it and it was `found` there.
    public void addCopy(long bytes, long nanos, boolean found) {
        copiedBytes.add(bytes);
        copyNanos.add(nanos);
        hostHits.add(found ? 1 : 0);
    }

    /// Adds one expert that the processor computes beside a device.
    public void addComputedOnHost() {
        computedOnHost.increment();
    }

    /// Adds one such expert that was in main memory.
    public void addHostHit() {
        hostHits.increment();
    }

    public void addWait(long nanos) {
        waitNanos.add(nanos);
    }

    public void addPrefill(long tokens, long nanos) {
        prefillTokens.add(tokens);
        prefillNanos.add(nanos);
    }

    public void addDecode(long tokens, long nanos) {
        decodeTokens.add(tokens);
        decodeNanos.add(nanos);
    }

    public void addExpertsComputed(long experts) {
        expertsComputed.add(experts);
    }

    /// Adds the choices of one layer for some tokens.
    public void addChoices(long tokens, long experts) {
        routedTokens.add(tokens);
        chosenExperts.add(experts);
    }

    /// Adds one expert whose load was begun before a layer asked for it.
    public void addPrefetch() {
        prefetches.increment();
    }

    /// Adds one layer that asked for an expert loaded, or being loaded, ahead.
    public void addPrefetchHit() {
        prefetchHits.increment();
    }

    public RunStats snapshot() {
        return new RunStats(
                expertHits.sum(),
                expertMisses.sum(),
                evictions.sum(),
                diskBytes.sum(),
                loadNanos.sum(),
                waitNanos.sum(),
                prefillTokens.sum(),
                prefillNanos.sum(),
                decodeTokens.sum(),
                decodeNanos.sum(),
                expertsComputed.sum(),
                routedTokens.sum(),
                chosenExperts.sum(),
                prefetches.sum(),
                prefetchHits.sum(),
                copiedBytes.sum(),
                copyNanos.sum(),
                hostHits.sum(),
                computedOnHost.sum(),
                List.of());
    }
}
