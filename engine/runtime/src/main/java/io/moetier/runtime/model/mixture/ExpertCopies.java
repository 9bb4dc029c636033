package io.moetier.runtime.model.mixture;

import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.storage.expert.BlockLayout;
import java.util.function.IntFunction;

/// The experts of the same model in fewer bits. Where a [LossMeter] says so, one stands for an expert that would
/// have to be loaded, since less of it is read.
///
/// @param tiers where they are computed from, in main memory
/// @param layoutOf block layout of those of a decoder layer
/// @param readingShare what reading one takes, as a share of what reading the expert does
public record ExpertCopies(ExpertTiers tiers, IntFunction<BlockLayout> layoutOf, double readingShare) {}
