package io.moetier.cluster.copy;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Function;

/// What this machine has open of models, for others to read. Any number of threads may ask at once.
@FunctionalInterface
public interface OpenStores {
    /// Has `reader` read what there is of a model, which stays open until that has returned.
    ///
    /// @param model the digest of its experts
    /// @return what the reader has returned; nothing if there is nothing of such a model
    Optional<MemorySegment> read(String model, Function<NodeStore, MemorySegment> reader);
}
