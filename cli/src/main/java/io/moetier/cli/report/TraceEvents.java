package io.moetier.cli.report;

import io.moetier.storage.format.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A timeline in the trace event format, which Perfetto and Chrome open: an object with `traceEvents`, one event a
/// line, written as they come.
///
/// A row is a thread of the one process there is. Any thread may add. After [#MOST_EVENTS] spans no more are written,
/// so that a long run fills neither memory nor disk.
public final class TraceEvents implements AutoCloseable {
    /// Some 60 MB.
    public static final int MOST_EVENTS = 500_000;

    private static final int PROCESS = 1;

    private final BufferedWriter writer;
    private final int most;
    private final Map<String, Integer> rows = new LinkedHashMap<>();
    private double origin;
    private int count;
    private long omitted;
    private boolean separated;
    private @Nullable IOException failure;

    /// Begins a file.
    ///
    /// @param most spans that are written
    public TraceEvents(Path file, int most) throws IOException {
        writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
        this.most = most;
        writer.write("{\"traceEvents\":[\n");
        add(Map.of("name", "process_name", "ph", "M", "pid", PROCESS, "args", Map.of("name", "moetier")));
    }

    /// Adds a row if there is none of that name; rows are shown in the order in which they were added.
    synchronized int row(String name) {
        Integer known = rows.get(name);
        if (known != null) {
            return known;
        }
        int row = rows.size() + 1;
        rows.put(name, row);
        add(Map.of("name", "thread_name", "ph", "M", "pid", PROCESS, "tid", row, "args", Map.of("name", name)));
        add(Map.of(
                "name", "thread_sort_index", "ph", "M", "pid", PROCESS, "tid", row, "args", Map.of("sort_index", row)));
        return row;
    }

    /// Says what the file's zero is, by the clock of all spans.
    synchronized void begin(double originNanos) {
        origin = originNanos;
    }

    /// Adds a span.
    synchronized void span(String row, String name, double startNanos, double endNanos, Map<String, Object> arguments) {
        if (count == most) {
            omitted++;
            return;
        }
        count++;
        double start = Math.rint(startNanos - origin);
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("name", name);
        event.put("ph", "X");
        event.put("pid", PROCESS);
        event.put("tid", row(row));
        event.put("ts", start / 1000);
        event.put("dur", (Math.rint(endNanos - origin) - start) / 1000);
        if (!arguments.isEmpty()) {
            event.put("args", arguments);
        }
        add(event);
    }

    /// Adds what a number is from now on; numbers have rows of their own, as curves. Few: they do not count as spans.
    synchronized void count(String name, double nanos, long value) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("name", name);
        event.put("ph", "C");
        event.put("pid", PROCESS);
        event.put("ts", Math.rint(nanos - origin) / 1000);
        event.put("args", Map.of("value", value));
        add(event);
    }

    /// Returns how many spans were left out.
    public synchronized long omitted() {
        return omitted;
    }

    /// Ends the file.
    ///
    /// @param facts about all of it
    /// @throws IOException if anything in it could not be written
    public synchronized void finish(Map<String, Object> facts) throws IOException {
        if (failure != null) {
            throw failure;
        }
        Map<String, Object> all = new LinkedHashMap<>(facts);
        all.put("spans", count);
        all.put("spans_left_out", omitted);
        try {
            writer.write("\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":" + Json.write(all) + "}\n");
            writer.flush();
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /// What cannot be written is given up: whoever is timed goes on, and [#finish] tells.
    private void add(Map<String, Object> event) {
        if (failure != null) {
            return;
        }
        try {
            writer.write(separated ? ",\n" : "");
            writer.write(Json.write(event));
            separated = true;
        } catch (IOException e) {
            failure = e;
        }
    }

    @Override
    public synchronized void close() throws IOException {
        try {
            writer.close();
        } catch (IOException e) {
            if (failure == null) {
                throw e;
            }
        }
    }
}
