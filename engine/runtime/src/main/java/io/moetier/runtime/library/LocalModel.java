package io.moetier.runtime.library;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/// A model that is on this machine.
///
/// @param name by which it can be run, or of a store in the cache by which it can be removed
/// @param form what its weights are in
/// @param path what is opened
/// @param lastUse of its files or its store, as far as the file system notes that
/// @param store what was imported of it, if anything was
public record LocalModel(
        String name, Owner owner, String form, Path path, long bytes, Instant lastUse, Optional<Path> store) {
    /// Who may remove it.
    public enum Owner {
        /// The hub's cache, which its tools and Moetier share.
        HUB,
        /// The cache of stores.
        MOETIER,
        /// LM Studio.
        LM_STUDIO,
        /// Ollama.
        OLLAMA
    }
}
