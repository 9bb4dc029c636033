package io.moetier.emulator.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// One allocation of device memory. It is known by its address after it was freed, to name who still uses it.
public final class Allocation {
    private final long address;
    private final long bytes;
    private final @Nullable Arena arena; // null: the memory is the host's
    private final MemorySegment memory;
    private final @Nullable Initialised initialised; // null: not checked
    private @Nullable Sectors read;
    private @Nullable Sectors written;
    private boolean live = true;

    Allocation(long address, MemorySegment memory, @Nullable Arena arena, @Nullable Initialised initialised) {
        this.address = address;
        this.bytes = memory.byteSize();
        this.arena = arena;
        this.memory = memory;
        this.initialised = initialised;
    }

    /// The device address of the first byte.
    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    /// The device address after the last byte.
    public long end() {
        return address + bytes;
    }

    /// What the device sees, in host memory.
    public MemorySegment memory() {
        return memory;
    }

    public boolean live() {
        return live;
    }

    public boolean checksReads() {
        return initialised != null;
    }

    /// Returns whether up to 16 bytes at a multiple of their number may be read.
    public boolean mayRead(long offset, int width) {
        return initialised == null || initialised.holds(offset, width);
    }

    /// Returns whether all bytes of a range may be read.
    public boolean mayReadRange(long offset, long end) {
        return initialised == null || initialised.holdsRange(offset, end);
    }

    /// Records that a kernel has written up to 16 bytes at a multiple of their number.
    public void wrote(long offset, int width) {
        if (initialised != null) {
            initialised.mark(offset, width);
        }
    }

    /// Returns 1 if `launch` reads the sector of this byte for the first time, else 0.
    public int touchRead(long offset, int launch) {
        if (read == null) {
            read = new Sectors(bytes);
        }
        return read.touch(offset, launch);
    }

    /// Returns 1 if `launch` writes the sector of this byte for the first time, else 0.
    public int touchWritten(long offset, int launch) {
        if (written == null) {
            written = new Sectors(bytes);
        }
        return written.touch(offset, launch);
    }

    /// Makes it fresh again, so far as reads are checked.
    public void forget() {
        if (initialised != null) {
            initialised.clear();
        }
    }

    boolean ofHost() {
        return arena == null;
    }

    long firstUnwritten(long offset, long end) {
        return initialised == null ? end : initialised.firstMissing(offset, end);
    }

    /// Records that a range has been written.
    public void wroteRange(long offset, long end) {
        if (initialised != null) {
            initialised.markRange(offset, end);
        }
    }

    /// Carries over what is written of the bytes that were copied here from another allocation.
    void wroteCopy(Allocation from, long fromOffset, long offset, long length) {
        if (initialised == null) {
            return;
        }
        if (from.firstUnwritten(fromOffset, fromOffset + length) == fromOffset + length || from.initialised == null) {
            initialised.markRange(offset, offset + length);
        } else {
            initialised.copy(from.initialised, fromOffset, offset, length);
        }
    }

    void release() {
        live = false;
        read = null;
        written = null;
        if (arena != null) {
            arena.close();
        }
    }
}
