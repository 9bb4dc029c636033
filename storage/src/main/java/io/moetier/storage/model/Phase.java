package io.moetier.storage.model;

import java.util.Locale;

/// What a forward pass is for: reading the prompt, or writing the next token.
public enum Phase {
    PREFILL,
    DECODE;

    /// Returns the spelling used in reports and traces, for example `prefill`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
