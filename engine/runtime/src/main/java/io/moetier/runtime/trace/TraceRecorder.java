package io.moetier.runtime.trace;

import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.Modality;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/// Writes a trace of format `moe-trace/1`.
///
/// The header counts the tokens and comes first, so the tokens go to a temporary file beside the target; [#finish()]
/// puts the two together under another temporary name and renames that to the target. Until then the target is not
/// touched, and a recorder that is closed without it leaves nothing behind. Confined to one thread.
public final class TraceRecorder implements AutoCloseable {
    private final Path file;
    private final UnfinishedFile body;
    private final TraceHeader header;
    private final Set<Integer> requests = new HashSet<>();
    private int request = -1; // the last of them
    private final OutputStream lines;
    private long numTokens;
    private long numImageTokens;
    private boolean anyTokenHasFewer;
    private boolean everyTokenHasWeights = true;
    private boolean open = true;

    /// Starts a recording that will be published as `file`; the header's counts are those of the recording.
    ///
    /// @throws UncheckedIOException if a file beside `file` cannot be written
    @SuppressWarnings("MustBeClosedChecker") // close() closes the stream
    public TraceRecorder(Path file, TraceHeader header) {
        this.file = file.toAbsolutePath();
        this.header = header;
        try {
            body = UnfinishedFile.create(this.file);
        } catch (IOException e) {
            throw cannotBeWritten(e);
        }
        try {
            lines = gzip(body.path());
        } catch (IOException e) {
            delete(body);
            throw cannotBeWritten(e);
        }
    }

    /// Adds one token; the tokens of a request come in order, and requests one after another.
    ///
    /// @throws IllegalArgumentException if it does not list each layer of the header, or is of a request before the
    ///     last one
    public void record(TraceToken token) {
        requireOpen();
        if (token.experts().length != header.layers()) {
            throw new IllegalArgumentException(
                    "a token of " + token.experts().length + " layers in a trace of " + header.layers());
        }
        if (token.request() != request && requests.contains(token.request())) {
            throw new IllegalArgumentException("request " + token.request() + " again after request " + request);
        }
        try {
            writeLine(lines, TokenLine.toMap(token));
        } catch (IOException e) {
            throw cannotBeWritten(e);
        }
        numTokens++;
        numImageTokens += token.modality() == Modality.IMAGE ? 1 : 0;
        request = token.request();
        requests.add(request);
        everyTokenHasWeights &= token.weights().isPresent();
        for (int[] chosen : token.experts()) {
            anyTokenHasFewer |= chosen.length > 0 && chosen.length < header.topK();
        }
    }

    /// Publishes the recording; nothing can be added after that.
    public void finish() {
        requireOpen();
        try (UnfinishedFile whole = UnfinishedFile.create(file)) {
            lines.close();
            // A gzip file may consist of several members, so the tokens need not be compressed again.
            try (OutputStream out = gzip(whole.path())) {
                writeLine(
                        out,
                        header.withContents(new TraceHeader.Contents(
                                        numTokens,
                                        numImageTokens,
                                        requests.size(),
                                        numTokens > 0 && everyTokenHasWeights,
                                        anyTokenHasFewer))
                                .toMap());
            }
            try (OutputStream out = Files.newOutputStream(whole.path(), StandardOpenOption.APPEND)) {
                Files.copy(body.path(), out);
            }
            try (FileChannel channel = FileChannel.open(whole.path(), StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            whole.publish();
        } catch (IOException e) {
            throw cannotBeWritten(e);
        } finally {
            close();
        }
    }

    /// Drops the recording unless it was finished.
    @Override
    public void close() {
        if (!open) {
            return;
        }
        open = false;
        try {
            lines.close();
        } catch (IOException e) {
            throw cannotBeWritten(e);
        } finally {
            delete(body);
        }
    }

    /// Returns how many tokens have been added.
    public long numTokens() {
        return numTokens;
    }

    private void requireOpen() {
        if (!open) {
            throw new IllegalStateException("the recording of " + file + " has ended");
        }
    }

    private UncheckedIOException cannotBeWritten(IOException e) {
        return new UncheckedIOException(file + ": cannot be written: " + IoFailure.reason(e), e);
    }

    private static OutputStream gzip(Path path) throws IOException {
        return new BufferedOutputStream(new GZIPOutputStream(Files.newOutputStream(path), 1 << 16), 1 << 16);
    }

    private static void writeLine(OutputStream out, Map<String, Object> line) throws IOException {
        out.write(Json.write(line).getBytes(StandardCharsets.UTF_8));
        out.write('\n');
    }

    private void delete(UnfinishedFile unfinished) {
        try {
            unfinished.close();
        } catch (IOException e) {
            throw cannotBeWritten(e);
        }
    }
}
