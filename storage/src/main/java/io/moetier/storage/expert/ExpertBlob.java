package io.moetier.storage.expert;

import java.lang.foreign.MemorySegment;

/// The value of an entry in the map: the memory to copy in when writing, the mapped memory of the entry when reading.
///
/// The header of every store's map file names this class: it must never be renamed or moved.
final class ExpertBlob {
    private MemorySegment memory;

    ExpertBlob(MemorySegment memory) {
        this.memory = memory;
    }

    MemorySegment memory() {
        return memory;
    }

    void memory(MemorySegment newMemory) {
        memory = newMemory;
    }
}
