package io.moetier.storage.platform;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// What the system can be told of pages that are mapped, by numbers that Linux and macOS share but for the last.
public enum MemoryAdvice {
    /// Touched pages come alone, without megabytes around them.
    SCATTERED(1),
    /// They are not needed: those of a file leave this process, and anonymous ones are lost.
    NOT_NEEDED(4),
    /// They may be huge ones.
    HUGE(14);

    private static final Optional<MethodHandle> MADVISE = CFunction.MADVISE.find();

    private final int number;

    MemoryAdvice(int number) {
        this.number = number;
    }

    /// Says whether the system can be told anything.
    public static boolean isHeard() {
        return MADVISE.isPresent();
    }

    /// Gives the advice for memory that starts on a page; returns false if the system refuses or hears none.
    public boolean give(MemorySegment pages) {
        return give(pages.address(), pages.byteSize());
    }

    /// Gives the advice for `byteSize` bytes at `address`, in the same way.
    public boolean give(long address, long byteSize) {
        if (MADVISE.isEmpty()) {
            return false;
        }
        try {
            return (int) MADVISE.get().invokeExact(address, byteSize, number) == 0;
        } catch (Throwable e) {
            throw new IllegalStateException("madvise could not be called", e);
        }
    }
}
