package io.moetier.storage.expert;

import io.moetier.storage.platform.CFunction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// The calls of the C library that the store needs and Java has no words for. Where the platform lacks one, it does
/// nothing and says so in its result.
final class PosixCalls {
    /// No descriptor: what an open that failed returns.
    static final int NO_FILE = -1;

    private static final int AT_FDCWD = -100;
    private static final int RENAME_EXCHANGE = 2;
    private static final int O_WRONLY = 1;
    private static final int SYNC_FILE_RANGE_WRITE = 2;

    private final Optional<MethodHandle> fallocate;
    private final Optional<MethodHandle> msync;
    private final Optional<MethodHandle> renameat2;
    private final Optional<MethodHandle> open;
    private final Optional<MethodHandle> close;
    private final Optional<MethodHandle> syncFileRange;

    private PosixCalls(boolean present) {
        fallocate = find(present, CFunction.POSIX_FALLOCATE);
        msync = find(present, CFunction.MSYNC);
        renameat2 = find(present, CFunction.RENAMEAT2);
        syncFileRange = find(present, CFunction.SYNC_FILE_RANGE);
        // of use to the call above only
        open = find(syncFileRange.isPresent(), CFunction.OPEN);
        close = find(syncFileRange.isPresent(), CFunction.CLOSE);
    }

    /// Returns the calls this platform has.
    static PosixCalls ofPlatform() {
        return new PosixCalls(true);
    }

    /// Returns what a platform without any of them would have.
    static PosixCalls none() {
        return new PosixCalls(false);
    }

    /// Reserves blocks on disk for a range of an open file; 0 on success or without the call, else the error number.
    int allocate(int fileDescriptor, long offset, long bytes) {
        return fallocate
                .map(call -> invoke(call, fileDescriptor, offset, bytes))
                .orElse(0);
    }

    /// Writes a mapped range back to its file; 0 on success or without the call.
    int sync(long address, long bytes, int flags) {
        return msync.map(call -> invoke(call, address, bytes, flags)).orElse(0);
    }

    /// Swaps the names of two files or directories of one file system in one step. False if that cannot be done here,
    /// and then nothing has changed.
    boolean exchange(Path one, Path other) {
        if (renameat2.isEmpty()) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment first = arena.allocateFrom(one.toAbsolutePath().toString());
            MemorySegment second = arena.allocateFrom(other.toAbsolutePath().toString());
            return invoke(renameat2.get(), AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0;
        }
    }

    /// Opens an existing file to be written; returns a descriptor for [#startWriteBack] and [#close], whatever happens.
    int openToWrite(Path file) {
        if (open.isEmpty()) {
            return NO_FILE;
        }
        try (Arena arena = Arena.ofConfined()) {
            return invoke(open.get(), arena.allocateFrom(file.toAbsolutePath().toString()), O_WRONLY);
        }
    }

    /// Starts writing a file's changed pages to the disk without waiting for them, if it knows how.
    void startWriteBack(int fileDescriptor) {
        if (fileDescriptor >= 0) {
            syncFileRange.ifPresent(call -> invoke(call, fileDescriptor, 0L, 0L, SYNC_FILE_RANGE_WRITE));
        }
    }

    /// Closes what [#openToWrite] opened.
    void close(int fileDescriptor) {
        if (fileDescriptor >= 0) {
            close.ifPresent(call -> invoke(call, fileDescriptor));
        }
    }

    /// Makes the names in a directory durable.
    static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static Optional<MethodHandle> find(boolean present, CFunction function) {
        return present ? function.find() : Optional.empty();
    }

    private static int invoke(MethodHandle call, Object... arguments) {
        try {
            return (int) call.invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a downcall throws nothing checked", e);
        }
    }
}
