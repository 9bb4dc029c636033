package io.moetier.lab.cluster;

import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.simulate.ModelSizes;

/// What of a model counts for several machines.
///
/// @param sizes of its weights; what a token reads of keys and values is part of what it reads beside experts
/// @param experts of each layer that has some
/// @param topK that a token chooses in each of them
/// @param rowElements of what an expert reads for a token, and of what it gives back
public record ClusterModel(ModelSizes sizes, int experts, int topK, int rowElements) {
    /// @throws IllegalArgumentException if there are no experts, or rows without elements
    public ClusterModel {
        if (sizes.experts().classOfLayer().isEmpty() || experts < 1 || topK < 1 || topK > experts || rowElements < 1) {
            throw new IllegalArgumentException("expected layers with experts, found "
                    + sizes.experts().classOfLayer().size() + " layers of " + experts + " experts, top " + topK
                    + ", rows of "
                    + rowElements);
        }
    }

    /// Returns a model that is known by its headers.
    ///
    /// @param stateBytes what a token reads of keys, values and states
    public static ClusterModel of(PlannedModel model, double stateBytes) {
        ModelSizes sizes = model.sizes();
        return new ClusterModel(
                new ModelSizes(
                        sizes.experts(), sizes.known(), sizes.denseBytes() + Math.round(stateBytes), sizes.traits()),
                model.experts(),
                model.topK(),
                model.spec().hiddenSize());
    }

    /// Returns how many layers have experts.
    public int layers() {
        return sizes.experts().classOfLayer().size();
    }

    /// Returns the bytes of all experts.
    public long allExpertBytes() {
        return sizes.experts().budget(experts, topK).allBytes();
    }

    int sizeClass(int layer) {
        return sizes.experts().classOfLayer().get(layer);
    }

    long expertBytes(int layer) {
        return sizes.experts().slotBytes().get(sizeClass(layer));
    }

    long rowBytes() {
        return (long) rowElements * Float.BYTES;
    }

    double denseBytesOfLayer() {
        return (double) sizes.denseBytes() / layers();
    }
}
