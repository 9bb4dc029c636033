package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.stream.EventRecord;
import org.jspecify.annotations.Nullable;

/// An event that a program made, and its latest recording.
public final class DriverEvent implements ContextResource {
    private final EmulatedContext context;
    private final boolean timing;
    private @Nullable EventRecord latest;

    public DriverEvent(EmulatedContext context, boolean timing) {
        this.context = context;
        this.timing = timing;
    }

    @Override
    public EmulatedContext context() {
        return context;
    }

    public boolean hasTiming() {
        return timing;
    }

    /// Returns its latest recording, null before the first.
    @Nullable
    public EventRecord latest() {
        return latest;
    }

    public EventRecord recordAgain() {
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
