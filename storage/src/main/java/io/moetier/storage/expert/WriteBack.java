package io.moetier.storage.expert;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/// Starts bringing what was written to a file to the disk, every few megabytes, while the caller prepares the next.
///
/// Without it the kernel waits for gigabytes, and the disk idles until the file is synced at the end. Nothing is
/// promised: it is still the sync at the end that makes a file durable and reports a disk that failed. For several
/// threads; one that finds the disk busy waits, which keeps it from running ahead of the disk.
final class WriteBack implements AutoCloseable {
    private static final long STEP_BYTES = 16L << 20;

    private final PosixCalls posix;
    private int file;
    private final AtomicLong written = new AtomicLong();

    private WriteBack(PosixCalls posix, int file) {
        this.posix = posix;
        this.file = file;
    }

    /// Opens a second descriptor of a file, since Java does not tell the numbers of its own. To be closed after the
    /// last lock on the file, for closing any descriptor drops them all.
    static WriteBack of(Path path, PosixCalls posix) {
        return new WriteBack(posix, posix.openToWrite(path));
    }

    /// Starts with all of a file.
    static void start(Path path, PosixCalls posix) {
        of(path, posix).close();
    }

    /// Counts bytes that were written.
    void wrote(long bytes) {
        long before = written.getAndAdd(bytes);
        if (before / STEP_BYTES != (before + bytes) / STEP_BYTES) {
            posix.startWriteBack(file);
        }
    }

    /// Starts with what is left.
    @Override
    public void close() {
        posix.startWriteBack(file);
        // once: the number may be another file's by the second time
        posix.close(file);
        file = PosixCalls.NO_FILE;
    }
}
