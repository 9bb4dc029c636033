package io.moetier;

import io.moetier.runtime.session.PolicyChoice;
import java.nio.file.Path;
import java.util.Optional;

/// Which experts leave memory when others are needed.
public sealed interface Eviction {
    /// The least recently used.
    Eviction LRU = new Named("lru", Optional.empty());

    /// As is best for the memory that there is: `gate` where not all experts fit, else the least recently used.
    Eviction AUTO = new Auto();

    /// What says which experts leave goes by the memory that there is; see [#AUTO].
    record Auto() implements Eviction {}

    /// What a policy of Moetier's names.
    ///
    /// @param policy `lru`, `lfu`, `lfu-decay`, `lfru`, `slru`, `tinylfu`, `gate` or `static`, or one of
    /// them behind `layer:`, for an equal share of memory per layer
    /// @param census a routing trace of the command line's, whose most used experts stay; for `static` alone
    record Named(String policy, Optional<Path> census) implements Eviction {
        /// @throws MoetierException.NotPossible if there is no such policy, or the census does not go with it
        public Named {
            Failures.translated(() -> new PolicyChoice.Named(policy, census));
        }
    }

    /// What a policy of the embedder's names.
    record Own(EvictionPolicy.Factory factory) implements Eviction {}
}
