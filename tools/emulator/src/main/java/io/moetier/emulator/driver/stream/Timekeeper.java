package io.moetier.emulator.driver.stream;

import java.util.List;

/// Whoever knows virtual time, and what happened in it.
public interface Timekeeper {
    /// Returns the host's virtual time.
    double virtualNanos();

    /// Keeps a timeline from now on, or drops it.
    void keepTimeline(boolean keeps);

    /// Returns what the engines did, as far as the host has waited for it and it was not taken before; empty unless it
    /// is kept.
    List<TimelineEntry> takeTimeline();
}
