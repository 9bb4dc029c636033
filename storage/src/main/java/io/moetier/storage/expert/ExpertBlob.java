package io.moetier.storage.expert;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The value of an entry in the map: when writing, the block to store and who stores it; when reading, the mapped
/// memory of the entry.
///
/// The header of every store's map file names this class: it must never be renamed or moved.
final class ExpertBlob {
    private final @Nullable EntryWriter writer;
    private MemorySegment memory;

    private ExpertBlob(MemorySegment memory, @Nullable EntryWriter writer) {
        this.memory = memory;
        this.writer = writer;
    }

    /// Brings a block to the place that the map has chosen for it.
    interface EntryWriter {
        void write(MemorySegment block, long mappedAddress);
    }

    static ExpertBlob toWrite(MemorySegment block, EntryWriter writer) {
        return new ExpertBlob(block, writer);
    }

    static ExpertBlob read(MemorySegment mapped) {
        return new ExpertBlob(mapped, null);
    }

    MemorySegment memory() {
        return memory;
    }

    void memory(MemorySegment newMemory) {
        memory = newMemory;
    }

    void writeTo(long mappedAddress) {
        if (writer == null) {
            throw new IllegalStateException("this blob was read, not made to be written");
        }
        writer.write(memory, mappedAddress);
    }
}
