package io.moetier.cluster.node;

import io.moetier.cluster.copy.NodeStore;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;

/// Opens what a node's disk has of models.
public interface NodeStores {
    /// Opens what there is of a model, be it nothing.
    ///
    /// @throws IOException if nothing can be kept there
    NodeStore open(StoreManifest manifest) throws IOException;
}
