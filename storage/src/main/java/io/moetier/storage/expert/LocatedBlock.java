package io.moetier.storage.expert;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Where the block of an expert lies, and how its bytes are checked.
///
/// @param file whose number for a [BlockReader] is `fileIndex`
record LocatedBlock(ExpertId id, Path file, int fileIndex, long offset, BlockLayout layout, int crc32c) {
    /// Fills `destination` with the block and checks it.
    ///
    /// @param repeats repeats what failed once
    /// @throws io.moetier.storage.model.DamagedBlockException if its checksum is wrong
    /// @throws MalformedModelException if the block cannot be read
    /// @throws IllegalArgumentException if the memory does not fit
    void read(BlockReader reader, RepeatedReads repeats, MemorySegment destination) {
        requireSlot(destination);
        try {
            repeats.run(() -> reader.read(fileIndex, offset, layout.blockBytes(), destination));
            int found = Checksums.of(destination.asSlice(0, layout.blockBytes()));
            if (found != crc32c) {
                throw Checksums.damaged(file, id, crc32c, found);
            }
        } catch (IOException e) {
            throw unreadable(IoFailure.reason(e), e);
        } catch (InternalError e) {
            // compiled code may learn of a fault on a mapped page only after the copy has returned
            throw unreadable(String.valueOf(e.getMessage()), e);
        }
    }

    private MalformedModelException unreadable(String reason, Throwable cause) {
        return new MalformedModelException(
                file + ": " + id + ": cannot be read at byte " + offset + ": " + reason, cause);
    }

    private void requireSlot(MemorySegment destination) {
        if (destination.byteSize() < layout.slotBytes()
                || !destination.isNative()
                || destination.isMapped()
                || destination.address() % BlockLayout.PAGE_BYTES != 0) {
            throw new IllegalArgumentException("a block needs " + layout.slotBytes()
                    + " bytes of anonymous memory that start on a page, but got " + destination);
        }
    }
}
