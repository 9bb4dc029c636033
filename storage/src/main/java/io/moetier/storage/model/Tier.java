package io.moetier.storage.model;

import java.util.Locale;

/// Where an expert is, never how fast it is.
public enum Tier {
    DEVICE,
    HOST,
    DISK;

    /// Returns the spelling used in reports and traces, for example `host`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
