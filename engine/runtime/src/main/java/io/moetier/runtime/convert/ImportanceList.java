package io.moetier.runtime.convert;

import io.moetier.storage.model.MalformedModelException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// An importance matrix in the form of before August 2025: how many entries; of each the length of its name and the
/// name, for how many calls the means were added up, how many values follow, and these. What comes behind them says
/// which text was read.
final class ImportanceList implements ImportanceFile {
    /// More than any model has, and than a file of another kind is likely to say.
    private static final int MOST_ENTRIES = 1 << 20;

    private static final int MOST_NAME_BYTES = 1 << 12;

    private final Path path;
    private final FileChannel channel;
    private final Map<String, Entry> entries;

    /// @param calls by which the values are divided; none was counted if 0
    private record Entry(long offset, int size, int calls) {}

    private ImportanceList(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        this.entries = new Scan().entries();
    }

    static ImportanceList of(Path path) {
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            try {
                return new ImportanceList(path, channel);
            } catch (IOException | RuntimeException | Error e) {
                channel.close();
                throw e;
            }
        } catch (EOFException e) {
            throw new MalformedModelException(path + ": is no importance matrix, or ends early", e);
        } catch (IOException e) {
            throw ImportanceFile.unreadable(path, e);
        }
    }

    /// Goes from entry to entry.
    private final class Scan {
        private long at;

        Map<String, Entry> entries() throws IOException {
            Map<String, Entry> found = new LinkedHashMap<>();
            int count = number("entries", 1, MOST_ENTRIES);
            for (int entry = 0; entry < count; entry++) {
                ByteBuffer bytes = next(number("bytes of a name", 1, MOST_NAME_BYTES));
                String name = StandardCharsets.UTF_8.decode(bytes).toString();
                int calls = number("entry " + name + ": calls", 0, Integer.MAX_VALUE);
                int size = number("entry " + name + ": values", 0, Integer.MAX_VALUE / Float.BYTES);
                if (found.put(name, new Entry(at, size, calls)) != null) {
                    throw MalformedModelException.of(path, "entry " + name, "one of that name", "two");
                }
                at += (long) Float.BYTES * size;
                if (at > channel.size()) {
                    throw new EOFException();
                }
            }
            return found;
        }

        private int number(String field, int least, int most) throws IOException {
            int number = next(Integer.BYTES).getInt();
            if (number < least || number > most) {
                throw MalformedModelException.of(
                        path, field, "an importance matrix, with " + least + " to " + most, number);
            }
            return number;
        }

        private ByteBuffer next(int bytes) throws IOException {
            ByteBuffer read = read(at, bytes);
            at += bytes;
            return read;
        }
    }

    private ByteBuffer read(long offset, int bytes) throws IOException {
        ByteBuffer read = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (read.hasRemaining()) {
            if (channel.read(read, offset + read.position()) < 0) {
                throw new EOFException("it ends early");
            }
        }
        return read.flip();
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Map<String, Extent> extents() {
        Map<String, Extent> extents = new LinkedHashMap<>();
        entries.forEach((name, entry) -> extents.put(name, new Extent(entry.size(), 1)));
        return extents;
    }

    @Override
    public float[] means(String name) {
        Entry entry = Objects.requireNonNull(entries.get(name));
        float[] means = new float[entry.size()];
        try {
            read(entry.offset(), Float.BYTES * entry.size()).asFloatBuffer().get(means);
        } catch (IOException e) {
            throw ImportanceFile.unreadable(path, e);
        }
        for (int i = 0; i < means.length; i++) {
            means[i] = entry.calls() > 0 ? means[i] / entry.calls() : 0;
        }
        return ImportanceFile.requireMeans(path, name, means);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
