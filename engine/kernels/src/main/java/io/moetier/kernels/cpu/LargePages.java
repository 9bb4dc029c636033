package io.moetier.kernels.cpu;

import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// An arena whose large segments lie in huge pages, where the system has them: keys and values are read a little from
/// each head, and small pages would have to be looked up for each.
///
/// @param arena what it is otherwise
record LargePages(Arena arena) implements Arena {
    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        return byteSize >= AnonymousMemory.HUGE_PAGE_BYTES && byteAlignment <= AnonymousMemory.ALIGNMENT
                ? AnonymousMemory.allocate(byteSize, arena)
                : arena.allocate(byteSize, byteAlignment);
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    @Override
    public void close() {
        arena.close();
    }
}
