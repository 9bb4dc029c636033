package io.moetier.emulator.memory;

import org.jspecify.annotations.Nullable;

/// The distinct 32-byte sectors of an allocation that one launch has touched.
///
/// A word is the number of the launch above and 32 sectors below, so that nothing is cleared between launches.
final class Sectors {
    static final int SECTOR_BYTES = 32;
    private static final int PAGE_SHIFT = 20;
    private static final int PAGE_WORDS = 1 << (PAGE_SHIFT - 10);

    private final long[] @Nullable [] pages;

    Sectors(long bytes) {
        pages = new long[Math.toIntExact(Math.ceilDiv(bytes, 1L << PAGE_SHIFT))][];
    }

    /// Returns 1 if this is the launch's first touch of the sector that holds the byte at `offset`, else 0.
    int touch(long offset, int launch) {
        long[] page = pages[(int) (offset >> PAGE_SHIFT)];
        if (page == null) {
            page = new long[PAGE_WORDS];
            pages[(int) (offset >> PAGE_SHIFT)] = page;
        }
        int index = (int) (offset >> 10) & (PAGE_WORDS - 1);
        long word = page[index];
        if ((int) (word >> 32) != launch) {
            word = (long) launch << 32;
        }
        long bit = 1L << ((offset >> 5) & 31);
        page[index] = word | bit;
        return (word & bit) == 0 ? 1 : 0;
    }
}
