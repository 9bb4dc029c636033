package io.moetier.lab.simulate;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// Bélády's optimum with bypass: the most hits that any cache of so many slots can have, counted without looking ahead.
///
/// An expert that is used at one moment and again at a later one is a hit if a slot kept it between the two. So each
/// pair of successive uses is an interval, at most as many as there are slots may overlap, and the most intervals that
/// do fit are found by taking each one, in the order of their ends, that still does: the greedy colouring of interval
/// graphs (Carlisle and Lloyd 1995), used for caches by Jain and Lin ("Back to the Future", 2016). The order of their
/// ends is the order of the trace, so one pass is enough.
///
/// Only gaps between uses after which some expert was last used can begin an interval; the other gaps are merged into
/// the one before them. So there are never more gaps than experts: memory does not grow with the trace. Cost: a scan
/// of the gaps since the last use.
final class Clairvoyant {
    private static final int NEVER = -1;

    private final int numSlots;
    private final int[][] lastUse; // by decoder layer and expert: the gap after it
    private final int[] kept; // by gap: slots that keep something, the most of the gaps merged into it
    private final int[] holders; // by gap: experts that were last used before it
    private int now; // the newest gap
    private long hits;

    /// Makes the optimum of `numSlots` slots for the experts `ids`.
    Clairvoyant(int[] ids, int numSlots) {
        this.numSlots = numSlots;
        int numLayers = Arrays.stream(ids).map(ExpertId::layerOf).max().orElse(-1) + 1;
        int numExperts = Arrays.stream(ids).map(ExpertId::expertOf).max().orElse(-1) + 1;
        lastUse = new int[numLayers][numExperts];
        for (int[] layer : lastUse) {
            Arrays.fill(layer, NEVER);
        }
        kept = new int[2 * ids.length + 2];
        holders = new int[kept.length];
    }

    /// Moves on in time. Experts that are used without a step between them need not be kept at the same time.
    void step() {
        if (now == kept.length - 1) {
            merge();
        }
        now++;
        kept[now] = 0;
        holders[now] = 0;
    }

    /// Uses an expert once in a step; returns whether the optimum has it.
    boolean use(int id) {
        int since = lastUse[ExpertId.layerOf(id)][ExpertId.expertOf(id)];
        boolean hit = since != NEVER && fits(since);
        if (hit) {
            for (int gap = since; gap < now; gap++) {
                kept[gap]++;
            }
            hits++;
        }
        see(id);
        return hit;
    }

    /// Uses an expert once in a step where no hit is counted, so that nothing is kept for it.
    void see(int id) {
        int[] uses = lastUse[ExpertId.layerOf(id)];
        int expert = ExpertId.expertOf(id);
        int since = uses[expert];
        if (since != NEVER) {
            holders[since]--;
        }
        uses[expert] = now;
        holders[now]++;
    }

    long hits() {
        return hits;
    }

    private boolean fits(int since) {
        for (int gap = now - 1; gap >= since; gap--) {
            if (kept[gap] >= numSlots) {
                return false;
            }
        }
        return true;
    }

    /// Merges gaps that nothing can begin in into the one before, or drops them where there is none.
    private void merge() {
        int[] newGap = new int[kept.length];
        int last = -1;
        for (int gap = 0; gap <= now; gap++) {
            if (holders[gap] > 0) {
                last++;
                kept[last] = kept[gap];
                holders[last] = holders[gap];
            } else if (last >= 0) {
                kept[last] = Math.max(kept[last], kept[gap]);
            }
            newGap[gap] = last;
        }
        for (int[] uses : lastUse) {
            for (int expert = 0; expert < uses.length; expert++) {
                uses[expert] = uses[expert] == NEVER ? NEVER : newGap[uses[expert]];
            }
        }
        now = last;
    }
}
