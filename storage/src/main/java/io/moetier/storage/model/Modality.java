package io.moetier.storage.model;

import java.util.Locale;

/// What a token stands for: a piece of a text, or of an image.
public enum Modality {
    TEXT,
    IMAGE;

    /// Returns the spelling used in reports and traces, for example `image`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
