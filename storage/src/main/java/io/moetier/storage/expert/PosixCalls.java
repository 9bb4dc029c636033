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

/// The calls of the C library that the writer needs and Java has no words for. Where the platform lacks one, it does
/// nothing and says so in its result.
final class PosixCalls {
    private static final int AT_FDCWD = -100;
    private static final int RENAME_EXCHANGE = 2;

    private final Optional<MethodHandle> fallocate;
    private final Optional<MethodHandle> msync;
    private final Optional<MethodHandle> renameat2;

    private PosixCalls(boolean present) {
        fallocate = find(present, "posix_fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
        msync = find(present, "msync", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
        renameat2 = find(
                present, "renameat2", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
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

    /// Makes the names in a directory durable.
    static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @SuppressWarnings("restricted") // the four signatures are checked against the manual pages; none keeps a pointer
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
