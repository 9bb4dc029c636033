package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.IoMode;
import java.nio.file.Path;
import java.util.Optional;

/// How experts come and go.
///
/// @param policy name of the eviction policy
/// @param census routing trace whose counts rank the experts; needed by the policy `static`, alone or with quotas, and
/// by no other
/// @param io how cold experts are read
/// @param prefetch whether experts are loaded before a layer asks for them
/// @param misses what becomes of experts that a device lacks
public record Offloading(String policy, Optional<Path> census, IoMode io, PrefetchChoice prefetch, Misses misses) {
    /// The least recently used expert leaves.
    public static final Offloading DEFAULT =
            new Offloading("lru", Optional.empty(), IoMode.AUTO, PrefetchChoice.OFF, Misses.COPY);

    /// @throws io.moetier.runtime.option.InvalidOptionException if policy and census do not go together
    public Offloading {
        require(
                Policies.needsCensus(policy) == census.isPresent(),
                "census",
                "a routing trace for the policy static, and none for others",
                census.map(Path::toString).orElse("none") + " for " + policy);
    }
}
