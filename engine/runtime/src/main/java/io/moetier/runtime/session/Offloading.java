package io.moetier.runtime.session;

import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.storage.expert.IoMode;

/// How experts come and go.
///
/// @param policy which experts leave
/// @param io how cold experts are read
/// @param prefetch whether experts are loaded before a layer asks for them
/// @param misses what becomes of experts that a device lacks
public record Offloading(PolicyChoice policy, IoMode io, PrefetchChoice prefetch, Misses misses) {
    /// As is best for the memory that there is, by its size and by measurements.
    public static final Offloading DEFAULT =
            new Offloading(PolicyChoice.AUTO, IoMode.AUTO, PrefetchChoice.AUTO, Misses.COPY);
}
