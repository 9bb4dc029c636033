package io.moetier.runtime.trace;

import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.function.Consumer;

/// One policy's cache on one trace.
final class Replay {
    private final RoutingTrace trace;
    private final ExpertCache cache;
    private int accesses;
    private int hits;

    Replay(RoutingTrace trace, String policy, double budget) {
        this.trace = trace;
        TraceHeader header = trace.header();
        int[] ids = new int[header.layers() * header.experts()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = ExpertId.pack(header.moeLayerIndices().get(i / header.experts()), i % header.experts());
        }
        int numSlots = (int) (budget * ids.length);
        cache = new ExpertCache(
                ids, numSlots, Policies.of(policy, trace.censusById()).create(ids, numSlots));
    }

    /// Returns the hit rate where each expert needs a slot before the next one comes.
    double expertAfterExpert() {
        forEachDecision(ids -> {
            for (int id : ids) {
                if (access(id) < 0) {
                    cache.unpin(cache.reserve(id));
                }
            }
        });
        return (double) hits / accesses;
    }

    /// Returns the hit rate where a layer's residents are pinned before any of its missing experts gets a
    /// slot.
    double layerAfterLayer() {
        forEachDecision(ids -> {
            int[] slots = Arrays.stream(ids).map(this::access).toArray();
            for (int slot : slots) {
                if (slot >= 0) {
                    cache.pin(slot);
                }
            }
            for (int i = 0; i < ids.length; i++) {
                slots[i] = slots[i] >= 0 ? slots[i] : cache.reserve(ids[i]);
            }
            Arrays.stream(slots).forEach(cache::unpin);
        });
        return (double) hits / accesses;
    }

    private int access(int id) {
        int slot = cache.access(id);
        accesses++;
        hits += slot >= 0 ? 1 : 0;
        return slot;
    }

    private void forEachDecision(Consumer<int[]> action) {
        for (TraceToken token : trace.tokens()) {
            for (int i = 0; i < trace.header().layers(); i++) {
                int layer = trace.header().moeLayerIndices().get(i);
                int[] ids = Arrays.stream(token.experts()[i])
                        .map(expert -> ExpertId.pack(layer, expert))
                        .toArray();
                int position = i;
                cache.decide(
                        ids, token.weights().map(weights -> weights[position]).orElse(null), ids.length);
                action.accept(ids);
            }
        }
    }
}
