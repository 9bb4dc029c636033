package io.moetier.runtime.metrics;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.LongBinaryOperator;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What the [Counters] held at one moment, or the difference or sum of such. Immutable.
///
/// Every counter is had by [#get]; those that reports ask for have a name of their own besides.
public final class RunStats {
    /// Nothing was done.
    public static final RunStats NONE = of(_ -> 0);

    private final long[] counts; // by ordinal of its counter
    private final List<Long> deviceHits;
    private final List<NodeWork> nodes;

    private RunStats(long[] counts, List<Long> deviceHits, List<NodeWork> nodes) {
        this.counts = counts;
        this.deviceHits = List.copyOf(deviceHits);
        this.nodes = List.copyOf(nodes);
    }

    /// Returns what `count` says of each counter.
    static RunStats of(ToLongFunction<Counter> count) {
        return new RunStats(Stream.of(Counter.values()).mapToLong(count).toArray(), List.of(), List.of());
    }

    /// Returns what `counter` held.
    @SuppressWarnings("EnumOrdinal") // as the counts are made
    public long get(Counter counter) {
        return counts[counter.ordinal()];
    }

    /// Returns [Counter#EXPERT_HITS].
    public long expertHits() {
        return get(Counter.EXPERT_HITS);
    }

    /// Returns [Counter#EXPERT_MISSES].
    public long expertMisses() {
        return get(Counter.EXPERT_MISSES);
    }

    /// Returns [Counter#EVICTIONS].
    public long evictions() {
        return get(Counter.EVICTIONS);
    }

    /// Returns [Counter#DISK_BYTES].
    public long diskBytes() {
        return get(Counter.DISK_BYTES);
    }

    /// Returns the expert bytes that were read from disk for each second of decoding; nothing if none was decoded.
    public OptionalDouble decodeDiskBytesPerSecond() {
        long nanos = get(Counter.DECODE_NANOS);
        return nanos == 0 ? OptionalDouble.empty() : OptionalDouble.of(1e9 * get(Counter.DECODE_DISK_BYTES) / nanos);
    }

    /// Returns [Counter#LOAD_NANOS].
    public long loadNanos() {
        return get(Counter.LOAD_NANOS);
    }

    /// Returns [Counter#WAIT_NANOS].
    public long waitNanos() {
        return get(Counter.WAIT_NANOS);
    }

    /// Returns [Counter#PREFILL_TOKENS].
    public long prefillTokens() {
        return get(Counter.PREFILL_TOKENS);
    }

    /// Returns [Counter#DECODE_TOKENS].
    public long decodeTokens() {
        return get(Counter.DECODE_TOKENS);
    }

    /// Returns [Counter#DECODE_NANOS].
    public long decodeNanos() {
        return get(Counter.DECODE_NANOS);
    }

    /// Returns [Counter#PREFETCHES].
    public long prefetches() {
        return get(Counter.PREFETCHES);
    }

    /// Returns [Counter#PREFETCH_HITS].
    public long prefetchHits() {
        return get(Counter.PREFETCH_HITS);
    }

    /// Returns [Counter#COPIED_BYTES].
    public long copiedBytes() {
        return get(Counter.COPIED_BYTES);
    }

    /// Returns [Counter#COPY_NANOS].
    public long copyNanos() {
        return get(Counter.COPY_NANOS);
    }

    /// Returns [Counter#HOST_HITS].
    public long hostHits() {
        return get(Counter.HOST_HITS);
    }

    /// Returns [Counter#COMPUTED_ON_HOST].
    public long computedOnHost() {
        return get(Counter.COMPUTED_ON_HOST);
    }

    /// Returns [Counter#NODE_EXPERTS].
    public long nodeExperts() {
        return get(Counter.NODE_EXPERTS);
    }

    /// Returns [Counter#NODE_ROWS].
    public long nodeRows() {
        return get(Counter.NODE_ROWS);
    }

    /// Returns [Counter#NODE_MISSES].
    public long nodeMisses() {
        return get(Counter.NODE_MISSES);
    }

    /// Returns [Counter#NODE_WAIT_NANOS].
    public long nodeWaitNanos() {
        return get(Counter.NODE_WAIT_NANOS);
    }

    /// Returns what was counted after `earlier`.
    public RunStats minus(RunStats earlier) {
        return with(earlier, (a, b) -> a - b);
    }

    /// Returns what was counted here and there.
    public RunStats plus(RunStats other) {
        return with(other, Long::sum);
    }

    private RunStats with(RunStats other, LongBinaryOperator operator) {
        int devices = Math.max(deviceHits.size(), other.deviceHits.size());
        return new RunStats(
                IntStream.range(0, counts.length)
                        .mapToLong(i -> operator.applyAsLong(counts[i], other.counts[i]))
                        .toArray(),
                IntStream.range(0, devices)
                        .mapToObj(i -> operator.applyAsLong(hitsOf(i), other.hitsOf(i)))
                        .toList(),
                Stream.concat(nodes.stream(), other.nodes.stream())
                        .map(NodeWork::name)
                        .distinct()
                        .map(name -> workOf(name).with(other.workOf(name), operator))
                        .toList());
    }

    /// Returns 0 for a device that is not known.
    private long hitsOf(int device) {
        return device < deviceHits.size() ? deviceHits.get(device) : 0;
    }

    /// Returns nothing done for a node that is not known.
    private NodeWork workOf(String name) {
        return nodes.stream()
                .filter(node -> node.name().equals(name))
                .findFirst()
                .orElseGet(() -> NodeWork.none(name));
    }

    /// Returns this with the hits of each device.
    public RunStats withDeviceHits(List<Long> hits) {
        return new RunStats(counts, hits, nodes);
    }

    /// Returns this with what each node did, each name once.
    public RunStats withNodes(List<NodeWork> work) {
        return new RunStats(counts, deviceHits, work);
    }

    /// Returns what each node did, those that have left among them; empty if there are none.
    public List<NodeWork> nodes() {
        return nodes;
    }

    /// Returns of the hits, those of each device; empty if there are not several.
    public List<Long> deviceHits() {
        return deviceHits;
    }

    /// Returns how many experts a layer chose for a token, 0 if it chose for none.
    public double expertsPerToken() {
        return share(get(Counter.CHOSEN_EXPERTS), get(Counter.ROUTED_TOKENS));
    }

    /// Returns the share of needed experts that were found in the fast tier, 0 if none was needed.
    public double hitRate() {
        return share(get(Counter.EXPERT_HITS), get(Counter.EXPERT_HITS) + get(Counter.EXPERT_MISSES));
    }

    private static double share(long part, long whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RunStats stats
                && Arrays.equals(counts, stats.counts)
                && deviceHits.equals(stats.deviceHits)
                && nodes.equals(stats.nodes);
    }

    @Override
    public int hashCode() {
        return Objects.hash(Arrays.hashCode(counts), deviceHits, nodes);
    }

    @Override
    public String toString() {
        return Stream.of(Counter.values())
                        .map(counter -> counter + "=" + get(counter))
                        .collect(Collectors.joining(", "))
                + ", deviceHits=" + deviceHits;
    }
}
