package io.moetier.runtime.remote;

import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.StoreSource;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.model.ExpertId;

/// All experts of a store, to be computed for others.
public final class StoreExperts {
    private StoreExperts() {}

    /// Returns all experts of a store.
    ///
    /// @param store which must stay open
    public static SharedExperts of(ExpertStore store, ModelSpec spec) {
        return new SharedExperts(
                new StoreSource(store, new Counters()),
                layer -> store.layout(ExpertId.pack(layer, 0)),
                SharedExperts.activations(spec));
    }
}
