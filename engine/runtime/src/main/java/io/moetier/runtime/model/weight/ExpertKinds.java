package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.storage.expert.BlockLayout;
import java.util.HashMap;
import java.util.Map;

/// The views of experts, one for all layers whose slots are read alike.
public final class ExpertKinds {
    private final Map<Kind, ExpertViews> views = new HashMap<>();

    private record Kind(BlockLayout layout, FfnActivation activation) {}

    /// Returns the views of experts of a layout that compute an activation.
    public ExpertViews of(BlockLayout layout, FfnActivation activation) {
        return views.computeIfAbsent(
                new Kind(layout, activation), kind -> new ExpertViews(kind.layout(), kind.activation()));
    }
}
