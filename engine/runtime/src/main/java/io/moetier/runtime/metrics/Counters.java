package io.moetier.runtime.metrics;

import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;

/// What an engine has done since it was opened. Every report reads a [#snapshot()] of these and nothing else.
///
/// Also tells an [ActivityListener] what it does, if there is one.
///
/// Any thread may add, any thread may take a snapshot; a snapshot taken during a run may be ahead in one counter and
/// behind in another.
public final class Counters {
    private final LongAdder[] adders = new LongAdder[Counter.values().length]; // by ordinal of its counter

    private volatile ActivityListener activity = ActivityListener.NONE;

    public Counters() {
        Arrays.setAll(adders, _ -> new LongAdder());
    }

    /// Registers a listener, which is told of everything from now on.
    public void listen(ActivityListener listener) {
        activity = listener;
    }

    /// Returns who is told what the engine does.
    public ActivityListener activity() {
        return activity;
    }

    public void addHits(long experts) {
        add(Counter.EXPERT_HITS, experts);
    }

    public void addMisses(long experts) {
        add(Counter.EXPERT_MISSES, experts);
    }

    public void addEviction() {
        add(Counter.EVICTIONS, 1);
    }

    /// Adds one expert read from disk.
    public void addDiskLoad(long bytes, long nanos) {
        add(Counter.DISK_BYTES, bytes);
        add(Counter.LOAD_NANOS, nanos);
    }

    /// Adds one expert that came to a device, from main memory if a layer needed it and it was `found` there.
    public void addCopy(long bytes, long nanos, boolean found) {
        add(Counter.COPIED_BYTES, bytes);
        add(Counter.COPY_NANOS, nanos);
        add(Counter.HOST_HITS, found ? 1 : 0);
    }

    /// Adds one expert that the processor computes beside a device.
    public void addComputedOnHost() {
        add(Counter.COMPUTED_ON_HOST, 1);
    }

    /// Adds one such expert that was in main memory.
    public void addHostHit() {
        add(Counter.HOST_HITS, 1);
    }

    public void addWait(long nanos) {
        add(Counter.WAIT_NANOS, nanos);
    }

    /// Adds experts of one layer that were asked of nodes.
    ///
    /// @param experts that nodes computed, applied to `rows` together
    /// @param missing that they did not
    public void addOnNodes(long experts, long rows, long missing) {
        add(Counter.NODE_EXPERTS, experts);
        add(Counter.NODE_ROWS, rows);
        add(Counter.NODE_MISSES, missing);
    }

    public void addNodeWait(long nanos) {
        add(Counter.NODE_WAIT_NANOS, nanos);
    }

    public void addPrefill(long tokens, long nanos) {
        add(Counter.PREFILL_TOKENS, tokens);
        add(Counter.PREFILL_NANOS, nanos);
    }

    /// Adds tokens that were decoded, while expert bytes were read from disk.
    public void addDecode(long tokens, long nanos, long diskBytes) {
        add(Counter.DECODE_TOKENS, tokens);
        add(Counter.DECODE_NANOS, nanos);
        add(Counter.DECODE_DISK_BYTES, diskBytes);
    }

    /// Returns the expert bytes that were read from disk so far.
    public long diskBytes() {
        return adder(Counter.DISK_BYTES).sum();
    }

    public void addExpertsComputed(long experts) {
        add(Counter.EXPERTS_COMPUTED, experts);
    }

    /// Adds the choices of one layer for some tokens.
    public void addChoices(long tokens, long experts) {
        add(Counter.ROUTED_TOKENS, tokens);
        add(Counter.CHOSEN_EXPERTS, experts);
    }

    /// Adds one expert whose load was begun before a layer asked for it.
    public void addPrefetch() {
        add(Counter.PREFETCHES, 1);
    }

    /// Adds one layer that asked for an expert loaded, or being loaded, ahead.
    public void addPrefetchHit() {
        add(Counter.PREFETCH_HITS, 1);
    }

    /// Returns what was counted so far.
    public RunStats snapshot() {
        return RunStats.of(counter -> adder(counter).sum());
    }

    private void add(Counter counter, long amount) {
        adder(counter).add(amount);
    }

    @SuppressWarnings("EnumOrdinal") // the adders are an array, which costs the computation least
    private LongAdder adder(Counter counter) {
        return adders[counter.ordinal()];
    }
}
