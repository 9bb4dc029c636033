package io.moetier.runtime.library;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/// A model that is on this machine.
///
/// @param name by which it can be run, or of a store in the cache by which it can be removed
/// @param form what its weights are in
/// @param path what is opened
/// @param lastUse of its files or its store, as far as the file system notes that
/// @param stores what was imported of it: alone, with its layer for multi-token prediction, with a tower
public record LocalModel(
        String name, Owner owner, Form form, Path path, long bytes, Instant lastUse, List<Path> stores) {
    public LocalModel {
        stores = List.copyOf(stores);
    }

    /// What it is.
    public enum Form {
        GGUF("GGUF"),
        SAFETENSORS("safetensors"),
        STORE("store"),
        /// Files of a repository that are no model.
        OTHERS("other files"),
        /// What came of downloads that did not end well.
        UNFINISHED("not all of it");

        private final String text;

        Form(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

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
