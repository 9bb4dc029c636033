package io.moetier.runtime.library;

import io.moetier.runtime.hub.HubName;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// A model that is on this machine.
///
/// @param label what it is called, and whose it is
/// @param form what its weights are in
/// @param path what is opened
/// @param lastUse of its files or its store, as far as the file system notes that
/// @param stores what was imported of it: alone, with its layer for multi-token prediction, with a tower
public record LocalModel(Label label, Form form, Path path, long bytes, Instant lastUse, List<Path> stores) {
    public LocalModel {
        stores = List.copyOf(stores);
    }

    /// What a model is called.
    ///
    /// @param text by which it can be run, or of a store in the cache by which it can be removed
    /// @param onHub what `text` says of a model of the hub, whose files may be called what no name can say
    public record Label(String text, Owner owner, Optional<HubName> onHub) {
        static Label of(HubName name) {
            return new Label(name.toString(), Owner.HUB, Optional.of(name));
        }

        static Label of(String text, Owner owner) {
            return new Label(text, owner, Optional.empty());
        }
    }

    /// Returns the text of its label.
    public String name() {
        return label.text();
    }

    public Owner owner() {
        return label.owner();
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
