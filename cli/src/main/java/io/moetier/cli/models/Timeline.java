package io.moetier.cli.models;

import io.moetier.cli.report.ModelClock;
import io.moetier.cli.report.TraceEvents;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.storage.format.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The file of `--trace-events`, which is there when everything in it is.
public final class Timeline implements AutoCloseable {
    private static final String OPTION = "--trace-events";

    private final Path path;
    private final OutputFile file;
    private final TraceEvents events;

    private Timeline(Path path, OutputFile file) throws IOException {
        this.path = path;
        this.file = file;
        events = new TraceEvents(file.unfinished(), TraceEvents.MOST_EVENTS);
    }

    /// Checks that a file can be written, before anything takes time.
    ///
    /// @throws IllegalArgumentException if it is no file that could be replaced
    /// @throws IOException if nothing can be written there
    public static void check(Path path) throws IOException {
        OutputFile.check(path, OPTION);
    }

    /// Begins a file.
    public static Timeline create(Path path) throws IOException {
        OutputFile file = OutputFile.create(path, OPTION);
        try {
            return new Timeline(path, file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /// Returns what spans are added to.
    public TraceEvents events() {
        return events;
    }

    /// Ends the file, says what computed what by which clock, and notes how much was left out, if anything was.
    ///
    /// @throws IOException if it could not be written, then or when something was added
    public void publish(Path model, LoadedModel loaded, Streams streams) throws IOException {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("model", Checkpoint.nameOf(model));
        facts.put("device", loaded.engine().deviceDescription());
        facts.put("clock", new ModelClock(loaded).description());
        try {
            events.finish(facts);
            file.publish();
        } catch (IOException e) {
            throw OutputFile.failure(path, e);
        }
        if (events.omitted() > 0) {
            streams.note(path + " has the first " + TraceEvents.MOST_EVENTS + " spans; " + events.omitted()
                    + " more were left out");
        }
    }

    @Override
    public void close() throws IOException {
        try (file) {
            events.close();
        }
    }
}
