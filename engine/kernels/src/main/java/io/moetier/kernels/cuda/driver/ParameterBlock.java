package io.moetier.kernels.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The parameter of a kernel, which is one struct: written anew for every launch, which takes a copy of it.
///
/// Belongs to one thread at a time.
public final class ParameterBlock {
    /// The most that a kernel of PTX before 8.1 takes.
    private static final long MOST_BYTES = 4096;

    private final MemorySegment bytes;
    private final MemorySegment pointer;
    private final StructWriter writer = new StructWriter();

    /// @param arena owns its memory
    public ParameterBlock(Arena arena) {
        bytes = arena.allocate(MOST_BYTES, Long.BYTES);
        pointer = arena.allocate(JAVA_LONG);
        pointer.set(JAVA_LONG, 0, bytes.address());
    }

    /// Starts a struct.
    public StructWriter begin() {
        return writer.begin(bytes, 0);
    }

    /// Returns its memory, to write what is no field after field.
    public MemorySegment bytes() {
        return bytes;
    }

    /// Returns where the address of the struct is, as launches want it.
    long address() {
        return pointer.address();
    }
}
