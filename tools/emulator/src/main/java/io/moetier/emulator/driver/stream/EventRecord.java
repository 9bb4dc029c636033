package io.moetier.emulator.driver.stream;

/// One recording of an event: the point in a stream that others can wait for. Recording the event again
/// makes another.
public final class EventRecord {
    private boolean reached;
    private double nanos = Double.NaN;

    /// Returns whether all commands before it have run.
    public boolean reached() {
        return reached;
    }

    /// Returns when it was reached in virtual time, not a number before that is known.
    public double nanos() {
        return nanos;
    }

    boolean isTimed() {
        return !Double.isNaN(nanos);
    }

    void reach() {
        reached = true;
    }

    void reachAt(double time) {
        nanos = time;
    }
}
