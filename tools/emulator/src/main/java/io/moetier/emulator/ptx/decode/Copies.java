package io.moetier.emulator.ptx.decode;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The registers of a kernel that are only another name for something: written once, by a `mov` without a guard, of a
/// number or of a register that is written once itself. Whoever reads one may read what it was copied from.
///
/// A compiler writes such copies around each shuffle; they are a third of what a kernel executes. It also writes what
/// is read before it is read, so that a copy cannot be older than its source: where the text has it otherwise, the
/// register is left as it is.
///
/// What is known of a kernel when it has been read once is used when it is read again ([Decoder]).
public final class Copies {
    /// A row of ints or of longs.
    private record Key(int row, boolean wide) {}

    /// @param source the row that was copied, and how often it had been written then
    private record Copy(Key source, int writes) {}

    private final Map<Key, Integer> writes = new HashMap<>();
    private final Set<Key> read = new HashSet<>();
    private final Map<Key, Copy> copies = new HashMap<>();

    void write(KernelScope.Row row, boolean guarded) {
        // What may be left unwritten counts as written more than once.
        writes.merge(key(row), guarded ? 2 : 1, Integer::sum);
    }

    void read(KernelScope.Row row) {
        read.add(key(row));
    }

    /// Notes that `source` is copied to `row`, which stands written.
    void copy(KernelScope.Row row, KernelScope.Row source) {
        Key to = key(row);
        Key from = key(source);
        if (!read.contains(to) && !to.equals(from)) {
            copies.put(to, new Copy(from, numWrites(from)));
        }
    }

    /// Returns whether `row` is only another name for something.
    boolean isCopy(KernelScope.Row row) {
        return sourceOf(key(row)) != null;
    }

    /// Returns the row to read instead of `row`, which may be itself. It is still of the type of `row`.
    KernelScope.Row source(KernelScope.Row row) {
        Key at = key(row);
        for (Key next = sourceOf(at); next != null; next = sourceOf(at)) {
            at = next;
        }
        return new KernelScope.Row(at.row(), row.type());
    }

    private @Nullable Key sourceOf(Key key) {
        Copy copy = copies.get(key);
        if (copy == null || numWrites(key) != 1 || copy.writes() > 1) {
            return null;
        }
        return numWrites(copy.source()) == copy.writes() ? copy.source() : null;
    }

    private int numWrites(Key key) {
        return writes.getOrDefault(key, 0);
    }

    private static Key key(KernelScope.Row row) {
        return new Key(row.row(), row.wide());
    }
}
