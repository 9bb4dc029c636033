package io.moetier.testdata;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// While this is open, the process can open no file on Linux: its limit is below those that it has. To be used in a
/// process of its own, all of whose classes that are used meanwhile have been loaded, for these are files, too.
public final class NoMoreFiles implements AutoCloseable {
    private static final int NUMBER_OF_FILES = 7;
    private static final MethodHandle GET = function("getrlimit");
    private static final MethodHandle SET = function("setrlimit");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment before = arena.allocate(ValueLayout.JAVA_LONG, 2);

    public NoMoreFiles() {
        call(GET, before);
        MemorySegment none = arena.allocate(ValueLayout.JAVA_LONG, 2);
        none.setAtIndex(ValueLayout.JAVA_LONG, 1, before.getAtIndex(ValueLayout.JAVA_LONG, 1));
        call(SET, none);
    }

    @Override
    public void close() {
        call(SET, before);
        arena.close();
    }

    private static void call(MethodHandle function, MemorySegment limit) {
        try {
            int result = (int) function.invokeExact(NUMBER_OF_FILES, limit);
            if (result != 0) {
                throw new AssertionError("the limit of open files cannot be set");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle function(String name) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    }
}
