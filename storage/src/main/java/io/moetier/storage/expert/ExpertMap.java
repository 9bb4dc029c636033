package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import net.openhft.chronicle.hash.impl.VanillaChronicleHash;
import net.openhft.chronicle.map.ChronicleMap;

/// One Chronicle Map file: the blocks of one size class, keyed by packed expert id.
///
/// One segment, one chunk per entry and no tiers, so that the file is as long as its blocks and one page each, and the
/// distance of a value from the start of the mapping is its offset in the file.
final class ExpertMap implements AutoCloseable {
    /// An entry starts on a page with its key and sizes, and its value on the next page; the last page takes
    /// Chronicle's
    /// own checksum when the value fills the page before it.
    private static final long ENTRY_OVERHEAD_BYTES = 2 * BlockLayout.PAGE_BYTES;

    private final Path file;
    private final ChronicleMap<Long, ExpertBlob> map;

    private ExpertMap(Path file, ChronicleMap<Long, ExpertBlob> map) {
        this.file = file;
        this.map = map;
    }

    /// Creates the file with room for `numExperts` blocks, or opens it if it exists.
    ///
    /// @throws IOException if the disk has no room for the file
    static ExpertMap open(Path file, long blockBytes, int numExperts) throws IOException {
        try {
            return new ExpertMap(
                    file,
                    ChronicleMap.of(Long.class, ExpertBlob.class)
                            .name("experts")
                            .entries(numExperts)
                            .valueMarshallers(ExpertBlobMarshaller.INSTANCE, ExpertBlobMarshaller.INSTANCE)
                            .averageValueSize((double) blockBytes)
                            .actualSegments(1)
                            .entriesPerSegment(numExperts)
                            .actualChunksPerSegmentTier(numExperts)
                            .entryAndValueOffsetAlignment(BlockLayout.PAGE_BYTES)
                            .actualChunkSize((int) chunkBytes(blockBytes))
                            .maxChunksPerEntry(1)
                            .allowSegmentTiering(false)
                            .putReturnsNull(true)
                            .removeReturnsNull(true)
                            .skipCloseOnExitHook(true)
                            .checksumEntries(true)
                            .createPersistedTo(file.toFile()));
        } catch (InternalError e) {
            throw fault(file, e);
        }
    }

    /// Returns the bytes of file that a block takes; more than an `int` holds if the block is too large.
    static long chunkBytes(long blockBytes) {
        return BlockLayout.roundUp(blockBytes, BlockLayout.PAGE_BYTES) + ENTRY_OVERHEAD_BYTES;
    }

    /// Copies a block into the map.
    void put(int packedId, MemorySegment block) throws IOException {
        try {
            map.put((long) packedId, new ExpertBlob(block));
        } catch (InternalError e) {
            throw fault(file, e);
        }
    }

    /// Looks an expert up and returns the offset of its block in the file.
    ///
    /// @throws IOException if the map does not hold it as a block of `blockBytes`
    long offsetOf(int packedId, long blockBytes) throws IOException {
        try {
            ExpertBlob blob = map.get((long) packedId);
            if (blob == null || blob.memory().byteSize() != blockBytes) {
                throw new IOException(file + ": key " + packedId + ": expected " + blockBytes + " bytes, found "
                        + (blob == null ? "nothing" : blob.memory().byteSize()));
            }
            return blob.memory().address() - ((VanillaChronicleHash<?, ?, ?, ?>) map).bsAddress();
        } catch (InternalError e) {
            throw fault(file, e);
        }
    }

    @Override
    public void close() {
        map.close();
    }

    private static IOException fault(Path file, InternalError cause) {
        return new IOException(file + ": the disk is full or failed while the file was written", cause);
    }
}
