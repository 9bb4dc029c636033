package io.moetier.storage.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// The functions of the C library that Java has no words for, with their signatures as on 64-bit systems. None keeps a
/// pointer. Their flags and error numbers are those of Linux unless somebody says otherwise.
public enum CFunction {
    CLOSE("close", JAVA_INT, JAVA_INT),
    EVENTFD("eventfd", JAVA_INT, JAVA_INT, JAVA_INT),
    GETPAGESIZE("getpagesize", JAVA_INT),
    MADVISE("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT),
    MMAP("mmap", JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG),
    MSYNC("msync", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT),
    MUNMAP("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG),
    /// Takes a mode behind these only where a file may be created.
    OPEN("open", JAVA_INT, ADDRESS, JAVA_INT) {
        @Override
        Linker.Option[] options() {
            return new Linker.Option[] {Linker.Option.firstVariadicArg(2)};
        }
    },
    POLL("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
    POSIX_FALLOCATE("posix_fallocate", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
    READ("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG),
    RENAMEAT2("renameat2", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT),
    SYNC_FILE_RANGE("sync_file_range", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT),
    WRITE("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

    private final String symbol;

    @SuppressWarnings("ImmutableEnumChecker") // descriptors are
    private final FunctionDescriptor signature;

    CFunction(String symbol, MemoryLayout result, MemoryLayout... arguments) {
        this.symbol = symbol;
        signature = FunctionDescriptor.of(result, arguments);
    }

    Linker.Option[] options() {
        return new Linker.Option[0];
    }

    /// Links the function; nothing where this platform lacks it.
    @SuppressWarnings("restricted") // the signatures are checked against the manual pages
    public Optional<MethodHandle> find() {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find(symbol).map(address -> linker.downcallHandle(address, signature, options()));
    }
}
