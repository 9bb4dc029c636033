package io.moetier.runtime.metrics;

import java.io.IOException;
import java.nio.file.Path;
import java.text.ParseException;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;

/// A recording of the JDK Flight Recorder, with the settings that the JDK has for profiling and all of the engine's own
/// events, from when it is started until it is closed.
public final class FlightRecording implements AutoCloseable {
    private final Recording recording;

    private FlightRecording(Recording recording) {
        this.recording = recording;
    }

    /// Starts to record.
    ///
    /// @throws IOException if this Java has no recorder, or not its settings
    public static FlightRecording start() throws IOException {
        try {
            Recording recording = new Recording(Configuration.getConfiguration("profile"));
            recording.start();
            return new FlightRecording(recording);
        } catch (ParseException | IllegalStateException e) {
            throw new IOException("this Java cannot record: " + e.getMessage(), e);
        }
    }

    /// Writes what was recorded so far.
    public void write(Path file) throws IOException {
        recording.dump(file);
    }

    @Override
    public void close() {
        recording.close();
    }
}
