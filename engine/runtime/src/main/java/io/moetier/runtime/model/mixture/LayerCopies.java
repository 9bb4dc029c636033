package io.moetier.runtime.model.mixture;

import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.weight.ExpertViews;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.LayerExperts;

/// The copies of one layer's experts in fewer bits. Their groups lie behind those of all that a router chooses: that
/// of a copy is `first` and the number of the expert.
final class LayerCopies {
    private final ExpertTiers tiers;
    private final ExpertViews views;
    private final int layer;
    private final int first;
    private final int[] experts;
    private final int[] sizes;
    private final float[] weights;

    /// @param first how many experts and identities a router chooses among
    LayerCopies(ExpertTiers tiers, ExpertViews views, int layer, int first, int numExperts) {
        this.tiers = tiers;
        this.views = views;
        this.layer = layer;
        this.first = first;
        experts = new int[numExperts];
        sizes = new int[numExperts];
        weights = new float[numExperts];
    }

    /// Returns what reads the slots that copies lie in.
    ExpertViews views() {
        return views;
    }

    /// Returns the group of expert 0.
    int first() {
        return first;
    }

    /// Returns how many groups there are, those of copies included.
    int numGroups() {
        return first + experts.length;
    }

    /// Returns how many copies have a group.
    int count(ExpertGroups groups) {
        return groups.numDistinct() - groups.numDistinctBelow(first);
    }

    /// Starts to gather the copies that have a group; to be closed.
    LayerExperts begin(ExpertGroups groups) {
        int n = count(groups);
        int from = groups.numDistinct() - n;
        for (int i = 0; i < n; i++) {
            experts[i] = groups.distinct[from + i] - first;
        }
        System.arraycopy(groups.sizes, from, sizes, 0, n);
        System.arraycopy(groups.weights, from, weights, 0, n);
        return tiers.begin(layer, experts, sizes, weights, n);
    }
}
