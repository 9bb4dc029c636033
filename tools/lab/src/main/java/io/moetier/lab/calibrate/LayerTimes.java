package io.moetier.lab.calibrate;

import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.ArrayList;
import java.util.List;

/// How long the layers of a phase take, from the report of one layer to that of the next, by how many of the first
/// token's experts were missing.
final class LayerTimes implements RoutingListener {
    private final Phase phase;
    private final int first;
    private final List<Times> byMisses = new ArrayList<>();
    private long last;
    private int lastLayer = -1;
    private boolean counts;

    /// Times the layers of decoded tokens.
    ///
    /// @param k experts of a token
    LayerTimes(int k) {
        this(k, Phase.DECODE, 1);
    }

    /// @param k experts of a token
    /// @param first the first layer whose report ends a time, 1 or more
    LayerTimes(int k, Phase phase, int first) {
        this.phase = phase;
        this.first = first;
        for (int misses = 0; misses <= k; misses++) {
            byMisses.add(new Times());
        }
    }

    /// Begins to count layers.
    void begin() {
        counts = true;
    }

    /// Counts no layers until [#begin()].
    void pause() {
        counts = false;
        lastLayer = -1;
    }

    Times ofMisses(int misses) {
        return byMisses.get(misses);
    }

    /// Returns those of all layers, however many were missing.
    Times all() {
        Times all = new Times();
        byMisses.forEach(all::addAll);
        return all;
    }

    @Override
    public void onRouting(int layer, Pass pass, int k, int[] ids, float[] weights, Tier[] tiers) {
        long now = System.nanoTime();
        if (counts && pass.phase() == phase && layer == lastLayer + 1 && layer >= first) {
            int misses = 0;
            for (int i = 0; i < k; i++) {
                misses += tiers[i] == Tier.HOST ? 0 : 1;
            }
            byMisses.get(misses).add(now - last);
        }
        last = now;
        lastLayer = layer;
    }
}
