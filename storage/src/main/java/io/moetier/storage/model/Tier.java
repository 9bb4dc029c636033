package io.moetier.storage.model;

import java.util.Locale;

/// Where an expert is, never how fast it is.
public enum Tier {
    DEVICE,
    HOST,
    DISK,
    /// The memory of another machine, which computes it there.
    NODE;

    /// Returns the spelling used in reports and traces, for example `host`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
