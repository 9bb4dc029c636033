package io.moetier.storage.expert;

import java.lang.foreign.MemorySegment;

/// The value of an entry in the map: when writing, a block that learns where it belongs; when reading, the mapped
/// memory of the entry.
///
/// The header of every store's map file names this class: it must never be renamed or moved.
final class ExpertBlob {
    private MemorySegment memory;
    private long mappedAddress;

    private ExpertBlob(MemorySegment memory) {
        this.memory = memory;
    }

    static ExpertBlob toWrite(MemorySegment block) {
        return new ExpertBlob(block);
    }

    static ExpertBlob read(MemorySegment mapped) {
        return new ExpertBlob(mapped);
    }

    MemorySegment memory() {
        return memory;
    }

    void memory(MemorySegment newMemory) {
        memory = newMemory;
    }

    /// Returns the place in the mapping that the map has chosen for a block to write.
    long mappedAddress() {
        return mappedAddress;
    }

    void mappedAddress(long chosen) {
        mappedAddress = chosen;
    }
}
