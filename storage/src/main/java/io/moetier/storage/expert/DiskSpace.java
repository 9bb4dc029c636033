package io.moetier.storage.expert;

import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.nio.file.Path;

/// Whether there is room on a disk, as well as can be told beforehand.
///
/// It is asked of the directory's `File`: a `FileStore` is found only on mount points that this process sees, and
/// in a chroot the root is none.
final class DiskSpace {
    private DiskSpace() {}

    /// @throws IOException if there is no room for so many more bytes in the directory `inside`
    /// @param named the directory that the message names
    static void require(Path inside, Path named, long bytes) throws IOException {
        requireFree(named, bytes, inside.toFile().getUsableSpace());
    }

    static void requireFree(Path named, long bytes, long free) throws IOException {
        if (bytes > free) {
            throw new IOException("not enough space on the disk of " + named + ": need " + ByteSize.format(bytes)
                    + ", free " + ByteSize.format(free));
        }
    }
}
