package io.moetier.emulator.driver;

import io.moetier.emulator.driver.stream.EventRecord;
import org.jspecify.annotations.Nullable;

/// An event that a program made, and its latest recording.
final class DriverEvent implements ContextResource {
    private final EmulatedContext context;
    private final boolean timing;
    private @Nullable EventRecord latest;

    DriverEvent(EmulatedContext context, boolean timing) {
        this.context = context;
        this.timing = timing;
    }

    @Override
    public EmulatedContext context() {
        return context;
    }

    boolean hasTiming() {
        return timing;
    }

    /// Returns its latest recording, null before the first.
    @Nullable
    EventRecord latest() {
        return latest;
    }

    EventRecord recordAgain() {
        EventRecord next = new EventRecord();
        latest = next;
        return next;
    }

    @Override
    public String describe() {
        return latest == null ? "event, never recorded" : "event";
    }

    @Override
    public void discard() {
        // holds nothing
    }
}
