package io.moetier.lab.sweep;

import io.moetier.cluster.membership.TaskException;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The traces that a node keeps while it computes with them, as files that go when it ends.
///
/// A trace comes in parts, each where the one before ended, by whomever; it may be read once all of it is there and is
/// what its name says. Those that were used least recently make room for others; those that are being read stay.
/// Shareable between threads.
final class TraceShelf implements AutoCloseable {
    private final Path folder;
    private final long capacity;
    private final Map<TraceId, Entry> entries = new LinkedHashMap<>(16, 0.75f, true); // the least recently used first
    private long reserved;
    private boolean closed;

    /// What there is of a trace.
    private static final class Entry {
        final UnfinishedFile file;
        final MessageDigest digest = TraceId.digest();
        long kept;
        int readers;

        Entry(UnfinishedFile file) {
            this.file = file;
        }
    }

    /// @param folder made when a trace comes, if it is not there
    /// @param capacity bytes of all traces
    TraceShelf(Path folder, long capacity) {
        this.folder = folder;
        this.capacity = capacity;
        UnfinishedFile.clear(folder); // of nodes that were killed
    }

    /// Keeps a part, if it is the next one, and returns how many bytes of the trace are there.
    ///
    /// @throws TaskException if it cannot be kept, or the trace is not what its name says
    synchronized long keep(TraceId trace, long offset, byte[] part) {
        Entry entry = entries.get(trace);
        try {
            if (entry == null) {
                entry = begin(trace);
            }
            if (offset == entry.kept && part.length > 0) {
                Files.write(entry.file.path(), part, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
                entry.digest.update(part);
                entry.kept += part.length;
                if (entry.kept == trace.bytes()) {
                    requireNamed(trace, entry);
                }
            }
            return entry.kept;
        } catch (IOException e) {
            drop(trace);
            throw new TaskException("no trace can be kept in " + folder + ": " + IoFailure.reason(e));
        }
    }

    private Entry begin(TraceId trace) throws IOException {
        if (closed) {
            throw new TaskException("this node has ended");
        }
        makeRoom(trace.bytes());
        UnfinishedFile.createPrivateDirectories(folder);
        Entry entry = new Entry(UnfinishedFile.createPrivate(folder.resolve("trace")));
        entries.put(trace, entry);
        reserved += trace.bytes();
        return entry;
    }

    private void makeRoom(long bytes) {
        Iterator<Map.Entry<TraceId, Entry>> oldest = entries.entrySet().iterator();
        while (reserved > capacity - bytes && oldest.hasNext()) {
            Map.Entry<TraceId, Entry> next = oldest.next();
            if (next.getValue().readers == 0) {
                oldest.remove();
                forget(next.getKey(), next.getValue());
            }
        }
        if (reserved > capacity - bytes) {
            throw new TaskException("a trace of " + ByteSize.format(bytes) + " does not fit into the "
                    + ByteSize.format(capacity) + " that traces may take, of which "
                    + ByteSize.format(reserved) + " are being read");
        }
    }

    private void requireNamed(TraceId trace, Entry entry) {
        if (!TraceId.of(entry.digest.digest(), trace.bytes()).equals(trace)) {
            drop(trace);
            throw new TaskException("a trace that came is not the one that was announced");
        }
    }

    private void drop(TraceId trace) {
        @Nullable Entry entry = entries.remove(trace);
        if (entry != null) {
            forget(trace, entry);
        }
    }

    private void forget(TraceId trace, Entry entry) {
        reserved -= trace.bytes();
        try {
            entry.file.close();
        } catch (IOException e) {
            // goes when the process ends
        }
    }

    /// Traces that are there as long as this is open.
    final class Loan implements TraceSource, AutoCloseable {
        private final Map<TraceId, Entry> lent;

        private Loan(Map<TraceId, Entry> lent) {
            this.lent = lent;
        }

        @Override
        public Path file(TraceId trace) {
            return Objects.requireNonNull(lent.get(trace)).file.path();
        }

        @Override
        public void close() {
            giveBack(lent);
        }
    }

    /// Returns traces to read; nothing if one of them is not there, or not all of it.
    synchronized Optional<Loan> lend(List<TraceId> traces) {
        Map<TraceId, Entry> lent = new HashMap<>();
        for (TraceId trace : traces) {
            Entry entry = entries.get(trace);
            if (entry == null || entry.kept < trace.bytes()) {
                return Optional.empty();
            }
            lent.put(trace, entry);
        }
        lent.values().forEach(entry -> entry.readers++);
        return Optional.of(new Loan(lent));
    }

    private synchronized void giveBack(Map<TraceId, Entry> lent) {
        lent.values().forEach(entry -> entry.readers--);
    }

    /// Removes all traces. Who reads one has it until the end, where the system allows it.
    @Override
    public synchronized void close() {
        closed = true;
        entries.forEach(this::forget);
        entries.clear();
    }
}
