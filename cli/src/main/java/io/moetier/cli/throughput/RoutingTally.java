package io.moetier.cli.throughput;

import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Counts in one round which experts were chosen, and which of them were found.
///
/// Told by the thread that computes, while it computes: counts alone, in arrays that are there.
final class RoutingTally implements RoutingListener {
    private final Phase counted;
    private final long[][] uses;
    private final long[][] hits;
    private final long[] read; // distinct experts of each pass, by layer
    private final boolean[] seen;
    private final List<Double> hitRates = new ArrayList<>();
    private long passHits;
    private long passUses;

    RoutingTally(ModelSpec spec, Phase counted) {
        this.counted = counted;
        int most = spec.moeLayers().stream().mapToInt(MoeSpec::numExperts).max().orElse(0);
        uses = new long[spec.layers().size()][most];
        hits = new long[spec.layers().size()][most];
        read = new long[spec.layers().size()];
        seen = new boolean[most];
    }

    @Override
    public void onRouting(int layer, Pass pass, int k, int[] ids, float[] weights, Tier[] tiers) {
        if (pass.phase() != counted) {
            return;
        }
        Arrays.fill(seen, false);
        for (int i = 0; i < pass.n() * k; i++) {
            int expert = ids[i];
            if (expert >= 0 && expert < seen.length) {
                uses[layer][expert]++;
                passUses++;
                if (tiers[i] != Tier.DISK) {
                    hits[layer][expert]++;
                    passHits++;
                }
                if (!seen[expert]) {
                    seen[expert] = true;
                    read[layer]++;
                }
            }
        }
    }

    /// Ends a step: its hit rate is one point over time.
    void endStep() {
        if (passUses > 0) {
            hitRates.add((double) passHits / passUses);
        }
        passHits = 0;
        passUses = 0;
    }

    /// Returns how often each expert was chosen, by layer.
    long[][] uses() {
        return uses;
    }

    /// Returns how often it was found then.
    long[][] hits() {
        return hits;
    }

    /// Returns how many experts a layer read in all passes, each once in a pass.
    long read(int layer) {
        return read[layer];
    }

    /// Returns how often a layer's experts were chosen.
    long applied(int layer) {
        return Arrays.stream(uses[layer]).sum();
    }

    List<Double> hitRates() {
        return hitRates;
    }
}
