package io.moetier.runtime.metrics;

import java.util.List;
import java.util.stream.IntStream;

/// What the [Counters] held at one moment, or the difference of two such moments.
///
/// @param expertHits experts that a layer needed and found in the fast tier
/// @param expertMisses experts that a layer needed and had to load, or had computed elsewhere
/// @param evictions experts that left their slot for another one
/// @param diskBytes expert bytes read from disk
/// @param loadNanos sum over all loads; loads overlap, so it may exceed the time that passed
/// @param waitNanos time the computation stood still for want of an expert
/// @param expertsComputed experts applied to at least one token, once per layer and forward pass
/// @param routedTokens tokens that a layer chose experts for, once per layer
/// @param chosenExperts experts that it chose for them
/// @param prefetches experts whose load was begun before a layer asked for them
/// @param prefetchHits those of them that a layer asked for before the expert left again
/// @param copiedBytes expert bytes that came to a device
/// @param copyNanos sum over all experts that came to a device, of waiting for a place, reading and copying
/// @param hostHits experts that a layer needed and found in main memory, below a device
/// @param computedOnHost experts that the processor computed beside a device
/// @param deviceHits of the hits, those of each device; empty if there are not several
public record RunStats(
        long expertHits,
        long expertMisses,
        long evictions,
        long diskBytes,
        long loadNanos,
        long waitNanos,
        long prefillTokens,
        long prefillNanos,
        long decodeTokens,
        long decodeNanos,
        long expertsComputed,
        long routedTokens,
        long chosenExperts,
        long prefetches,
        long prefetchHits,
        long copiedBytes,
        long copyNanos,
        long hostHits,
        long computedOnHost,
        List<Long> deviceHits) {
    public RunStats {
        deviceHits = List.copyOf(deviceHits);
    }

    /// Returns what was counted after `earlier`.
    public RunStats minus(RunStats earlier) {
        return new RunStats(
                expertHits - earlier.expertHits,
                expertMisses - earlier.expertMisses,
                evictions - earlier.evictions,
                diskBytes - earlier.diskBytes,
                loadNanos - earlier.loadNanos,
                waitNanos - earlier.waitNanos,
                prefillTokens - earlier.prefillTokens,
                prefillNanos - earlier.prefillNanos,
                decodeTokens - earlier.decodeTokens,
                decodeNanos - earlier.decodeNanos,
                expertsComputed - earlier.expertsComputed,
                routedTokens - earlier.routedTokens,
                chosenExperts - earlier.chosenExperts,
                prefetches - earlier.prefetches,
                prefetchHits - earlier.prefetchHits,
                copiedBytes - earlier.copiedBytes,
                copyNanos - earlier.copyNanos,
                hostHits - earlier.hostHits,
                computedOnHost - earlier.computedOnHost,
                minus(deviceHits, earlier.deviceHits));
    }

    /// Numbers that one of the lists does not have are 0.
    private static List<Long> minus(List<Long> now, List<Long> earlier) {
        return IntStream.range(0, Math.max(now.size(), earlier.size()))
                .mapToObj(i -> (i < now.size() ? now.get(i) : 0) - (i < earlier.size() ? earlier.get(i) : 0))
                .toList();
    }

    /// Returns this with the hits of each device.
    public RunStats withDeviceHits(List<Long> hits) {
        return new RunStats(
                expertHits,
                expertMisses,
                evictions,
                diskBytes,
                loadNanos,
                waitNanos,
                prefillTokens,
                prefillNanos,
                decodeTokens,
                decodeNanos,
                expertsComputed,
                routedTokens,
                chosenExperts,
                prefetches,
                prefetchHits,
                copiedBytes,
                copyNanos,
                hostHits,
                computedOnHost,
                hits);
    }

    /// Returns how many experts a layer chose for a token, 0 if it chose for none.
    public double expertsPerToken() {
        return routedTokens == 0 ? 0 : (double) chosenExperts / routedTokens;
    }

    /// Returns the share of needed experts that were found in the fast tier, 0 if none was needed.
    public double hitRate() {
        return expertHits + expertMisses == 0 ? 0 : (double) expertHits / (expertHits + expertMisses);
    }
}
