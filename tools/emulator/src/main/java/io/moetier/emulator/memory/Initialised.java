package io.moetier.emulator.memory;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Which bytes of an allocation have been written: one bit each, in pages that exist only while they are mixed.
final class Initialised {
    private static final int PAGE_SHIFT = 16;
    private static final long PAGE_BYTES = 1L << PAGE_SHIFT;
    private static final long[] WHOLE = new long[0];

    private final long[] @Nullable [] pages;

    Initialised(long bytes) {
        pages = new long[Math.toIntExact(Math.ceilDiv(bytes, PAGE_BYTES))][];
    }

    /// Returns whether all of up to 16 bytes at a multiple of their number are written.
    boolean holds(long offset, int bytes) {
        long[] page = pages[(int) (offset >> PAGE_SHIFT)];
        if (whole(page)) {
            return true;
        }
        long wanted = (1L << bytes) - 1;
        return page != null && ((page[word(offset)] >>> offset) & wanted) == wanted;
    }

    /// Returns whether all bytes of a range are written.
    boolean holdsRange(long offset, long end) {
        for (long at = offset; at < end; ) {
            long[] page = pages[(int) (at >> PAGE_SHIFT)];
            if (page == null) {
                return false;
            }
            long next = Math.min(end, whole(page) ? (at | (PAGE_BYTES - 1)) + 1 : (at | (Long.SIZE - 1)) + 1);
            if (!whole(page) && (~page[word(at)] & bits(at, next)) != 0) {
                return false;
            }
            at = next;
        }
        return true;
    }

    /// Returns the first byte of a range that is not written, or its end.
    long firstMissing(long offset, long end) {
        long at = offset;
        while (at < end) {
            if (whole(pages[(int) (at >> PAGE_SHIFT)])) {
                at = (at | (PAGE_BYTES - 1)) + 1;
            } else if (holds(at, 1)) {
                at++;
            } else {
                return at;
            }
        }
        return end;
    }

    /// Marks up to 16 bytes at a multiple of their number.
    void mark(long offset, int bytes) {
        long[] page = mixed((int) (offset >> PAGE_SHIFT));
        if (!whole(page)) {
            page[word(offset)] |= ((1L << bytes) - 1) << offset;
        }
    }

    void markRange(long offset, long end) {
        for (long at = offset; at < end; ) {
            long next = Math.min(end, (at | (PAGE_BYTES - 1)) + 1);
            if (next - at == PAGE_BYTES) {
                pages[(int) (at >> PAGE_SHIFT)] = WHOLE;
            } else {
                markWithin(mixed((int) (at >> PAGE_SHIFT)), at, next);
            }
            at = next;
        }
    }

    void clear() {
        for (long[] page : pages) {
            if (page != null && !whole(page)) {
                Arrays.fill(page, 0);
            }
        }
    }

    /// Takes over what is known of a range elsewhere, maybe of the same allocation.
    void copy(Initialised from, long fromOffset, long offset, long bytes) {
        boolean[] written = new boolean[Math.toIntExact(bytes)];
        for (int i = 0; i < bytes; i++) {
            written[i] = from.holds(fromOffset + i, 1);
        }
        for (int i = 0; i < bytes; i++) {
            if (written[i]) {
                mark(offset + i, 1);
            } else {
                clear(offset + i);
            }
        }
    }

    private void clear(long offset) {
        int index = (int) (offset >> PAGE_SHIFT);
        long[] page = mixed(index);
        if (whole(page)) {
            page = new long[(int) (PAGE_BYTES / Long.SIZE)];
            Arrays.fill(page, -1L);
            pages[index] = page;
        }
        page[word(offset)] &= ~(1L << offset);
    }

    private static void markWithin(long[] page, long offset, long end) {
        if (whole(page)) {
            return;
        }
        for (long at = offset; at < end; ) {
            long next = Math.min(end, (at | (Long.SIZE - 1)) + 1);
            page[word(at)] |= bits(at, next);
            at = next;
        }
    }

    /// Returns the bits of up to 64 bytes of one word.
    private static long bits(long offset, long end) {
        return (-1L >>> (Long.SIZE - (end - offset))) << offset;
    }

    private long[] mixed(int index) {
        long[] page = pages[index];
        if (page == null) {
            page = new long[(int) (PAGE_BYTES / Long.SIZE)];
            pages[index] = page;
        }
        return page;
    }

    private static boolean whole(long @Nullable [] page) {
        return page != null && page.length == 0;
    }

    private static int word(long offset) {
        return (int) (offset & (PAGE_BYTES - 1)) >> 6;
    }
}
