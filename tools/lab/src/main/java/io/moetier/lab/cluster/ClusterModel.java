package io.moetier.lab.cluster;

import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.expert.StoreManifest;
import java.util.List;
import java.util.Optional;

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
        return new ClusterModel(
                withState(model.sizes(), stateBytes),
                model.experts(),
                model.topK(),
                model.spec().hiddenSize());
    }

    /// Returns a model that is known by its store.
    ///
    /// @param stateBytes what a token reads of keys, values and states
    static ClusterModel of(ModelSpec spec, StoreManifest manifest, double stateBytes) {
        List<Long> slotBytes = List.copyOf(manifest.slotBytesOfLayer().values());
        ModelSizes sizes = ModelSizes.of(spec, slotBytes, manifest.denseBytes(), Optional.empty());
        int experts = manifest.experts().stream()
                .mapToInt(entry -> entry.id().expert() + 1)
                .max()
                .orElse(0);
        return new ClusterModel(withState(sizes, stateBytes), experts, spec.mostExpertsPerToken(), spec.hiddenSize());
    }

    private static ModelSizes withState(ModelSizes sizes, double bytes) {
        return new ModelSizes(sizes.experts(), sizes.known(), sizes.denseBytes() + Math.round(bytes), sizes.traits());
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
