package io.moetier.kernels.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The arguments of a launch: made once, set and used again and again. A launch takes copies of the values.
///
/// Belongs to one thread at a time.
final class KernelArguments {
    private final int count;
    private final MemorySegment values;
    private final MemorySegment pointers;

    /// @param count how many there are
    /// @param arena owns their memory
    KernelArguments(int count, Arena arena) {
        this.count = count;
        values = arena.allocate(JAVA_LONG, Math.max(1, count));
        pointers = arena.allocate(JAVA_LONG, Math.max(1, count));
        for (int i = 0; i < count; i++) {
            pointers.setAtIndex(JAVA_LONG, i, values.address() + i * JAVA_LONG.byteSize());
        }
    }

    int count() {
        return count;
    }

    KernelArguments set(int index, long value) {
        values.setAtIndex(JAVA_LONG, index, value);
        return this;
    }

    KernelArguments set(int index, int value) {
        values.set(JAVA_INT, index * JAVA_LONG.byteSize(), value);
        return this;
    }

    KernelArguments set(int index, float value) {
        values.set(JAVA_FLOAT, index * JAVA_LONG.byteSize(), value);
        return this;
    }

    /// Sets an address of device memory.
    KernelArguments set(int index, CudaMemory memory, long offset) {
        return set(index, memory.address(offset, 0));
    }

    long address() {
        return pointers.address();
    }
}
