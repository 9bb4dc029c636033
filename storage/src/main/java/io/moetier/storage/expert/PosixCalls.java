package io.moetier.storage.expert;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
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
    private static final int MADV_RANDOM = 1; // Linux and macOS
    private static final int MADV_DONTNEED = 4; // Linux and macOS

    private final Optional<MethodHandle> fallocate;
    private final Optional<MethodHandle> msync;
    private final Optional<MethodHandle> madvise;
    private final Optional<MethodHandle> renameat2;
    private final Optional<MethodHandle> open;
    private final Optional<MethodHandle> close;
    private final Optional<MethodHandle> syncFileRange;

    private PosixCalls(boolean present) {
        fallocate = find(present, "posix_fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
        msync = find(present, "msync", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
        madvise = find(present, "madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
        renameat2 = find(
                present, "renameat2", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
        syncFileRange = find(
                present, "sync_file_range", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
        // of use to the call above only
        open = find(syncFileRange.isPresent(), "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
        close = find(syncFileRange.isPresent(), "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
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

    /// Takes pages of a read-only mapping out of this process, if it knows how; the page cache keeps them, and reading
    /// brings them back.
    void forget(MemorySegment mapped) {
        madvise.ifPresent(call -> invoke(call, mapped.address(), mapped.byteSize(), MADV_DONTNEED));
    }

    /// Asks that a touched page of a mapping come alone, if it knows how, instead of megabytes around it.
    void expectScattered(MemorySegment mapped) {
        madvise.ifPresent(call -> invoke(call, mapped.address(), mapped.byteSize(), MADV_RANDOM));
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

    @SuppressWarnings("restricted") // the signatures are checked against the manual pages; none keeps a pointer
    private static Optional<MethodHandle> find(boolean present, String name, FunctionDescriptor signature) {
        if (!present) {
            return Optional.empty();
        }
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find(name).map(symbol -> linker.downcallHandle(symbol, signature));
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
