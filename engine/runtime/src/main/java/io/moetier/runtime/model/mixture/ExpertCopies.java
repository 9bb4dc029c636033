package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.weight.ExpertKinds;
import io.moetier.runtime.model.weight.ExpertViews;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.storage.expert.BlockLayout;
import java.util.function.IntFunction;

/// The experts of the same model in fewer bits. Where a [LossMeter] says so, one stands for an expert that would
/// have to be loaded, since less of it is read.
public final class ExpertCopies {
    private final ExpertTiers tiers;
    private final IntFunction<BlockLayout> layoutOf;
    private final double readingShare;
    private final ExpertKinds kinds = new ExpertKinds();

    /// @param tiers where they are computed from, in main memory
    /// @param layoutOf block layout of those of a decoder layer
    /// @param readingShare what reading one takes, as a share of what reading the expert does
    public ExpertCopies(ExpertTiers tiers, IntFunction<BlockLayout> layoutOf, double readingShare) {
        this.tiers = tiers;
        this.layoutOf = layoutOf;
        this.readingShare = readingShare;
    }

    /// Returns where they are computed from.
    public ExpertTiers tiers() {
        return tiers;
    }

    /// Returns what reading one takes, as a share of what reading the expert does.
    public double readingShare() {
        return readingShare;
    }

    /// Returns what reads the slots that those of a layer lie in.
    ExpertViews views(int layer, FfnActivation activation) {
        return kinds.of(layoutOf.apply(layer), activation);
    }
}
