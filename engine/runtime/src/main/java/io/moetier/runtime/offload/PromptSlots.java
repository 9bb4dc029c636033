package io.moetier.runtime.offload;

import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.model.ExpertId;
import java.util.function.IntPredicate;

/// Gives slots to the experts of a prompt, whose layers come one after another.
///
/// What the layers just computed needed is needed again last, so it leaves first: the experts of the layer before the
/// one that is computed, then those of that layer itself, which its kernels may still be reading, then those of the
/// layers before. Which of a layer's experts leaves is for the policy to say. So a prompt takes slots for two layers,
/// and leaves the others as they are. Confined to the thread of its [ExpertTier].
final class PromptSlots {
    private static final int NONE = -1;

    private final int numLayers;
    private final IntPredicate isLeaving = this::isLeaving;
    private int computed; // the layer under way
    private int leaving; // the layer whose experts are to leave

    PromptSlots(int numLayers) {
        this.numLayers = numLayers;
    }

    /// Says which layer is computed now.
    void begin(int layer) {
        computed = layer;
    }

    /// Says that `layer` comes next, and that what is computed before it has no experts.
    void beginBefore(int layer) {
        computed = Math.floorMod(layer - 1, numLayers);
    }

    /// Returns a slot for an expert, pinned, or -1 if none can be had but those of the layer that comes next.
    int tryReserve(ExpertCache cache, int id) {
        int slot = NONE;
        for (int i = 0; slot == NONE && i < numLayers; i++) {
            int before = i > 1 ? i : 1 - i;
            if (before != numLayers - 1) {
                leaving = Math.floorMod(computed - before, numLayers);
                slot = cache.tryReserve(id, isLeaving);
            }
        }
        return slot;
    }

    private boolean isLeaving(int id) {
        return ExpertId.layerOf(id) == leaving;
    }
}
