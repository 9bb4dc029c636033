package io.moetier.storage.expert;

import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.platform.MemoryAdvice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import net.openhft.chronicle.hash.ChronicleFileLockException;
import net.openhft.chronicle.hash.impl.VanillaChronicleHash;
import net.openhft.chronicle.map.ChronicleMap;

/// One Chronicle Map file: the blocks of one size class, keyed by packed expert id.
///
/// One segment, one chunk per entry and no tiers, so that the file is as long as its blocks and one page each, and the
/// distance of a value from the start of the mapping is its offset in the file.
final class ExpertMap implements AutoCloseable {
    /// An entry starts on a page with its key and sizes, and its value on the next page.
    private static final long ENTRY_OVERHEAD_BYTES = BlockLayout.PAGE_BYTES;

    /// A chunk is addressed by an `int`.
    private static final long MOST_CHUNK_BYTES = Integer.MAX_VALUE;

    private final Path file;
    private final ChronicleMap<Long, ExpertBlob> map;
    /// The whole file, from its start; never to be touched, and gone when the map is closed.
    private final MemorySegment mapping;
    /// Closed after the map: closing it earlier would drop the process's lock on the file.
    private final BlockFile blocks;
    /// Threads wait here and not at the segment's own lock, at which they would spin and in the end give up.
    private final ReentrantLock turn = new ReentrantLock();

    private ExpertMap(Path file, ChronicleMap<Long, ExpertBlob> map, MemorySegment mapping, BlockFile blocks) {
        this.file = file;
        this.map = map;
        this.mapping = mapping;
        this.blocks = blocks;
    }

    /// Creates the file with room for `numExperts` blocks, or opens it if it exists.
    ///
    /// @throws IOException if the disk has no room for the file, or the thread is interrupted
    static ExpertMap open(Path file, long blockBytes, int numExperts, PosixCalls posix) throws IOException {
        boolean isReservedByChronicle = hasFileStore(file);
        try {
            ChronicleMap<Long, ExpertBlob> map = ChronicleMap.of(Long.class, ExpertBlob.class)
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
                    .sparseFile(!isReservedByChronicle)
                    // the manifest's checksums cover every byte; Chronicle's would be taken from the mapping
                    .checksumEntries(false)
                    .createPersistedTo(file.toFile());
            if (!isReservedByChronicle) {
                reserve(file, map, posix);
            }
            MemorySegment mapping = mapping(map, file);
            // An entry's first page is touched, and the kernel would bring and zero eight megabytes behind it.
            boolean _ = MemoryAdvice.SCATTERED.give(mapping);
            return new ExpertMap(file, map, mapping, BlockFile.open(file, posix));
        } catch (ChronicleFileLockException e) { // the thread is interrupted, or the file system has no locks
            throw new IOException("it cannot be locked", e);
        } catch (InternalError e) {
            throw fault(file, e);
        }
    }

    /// Says whether Chronicle can ask for the room that the file's disk has, before it reserves some. In a chroot whose
    /// root is no mount point nobody can.
    private static boolean hasFileStore(Path file) {
        try {
            FileStore _ = Files.getFileStore(UnfinishedFile.folderOf(file));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /// Reserves the blocks of a map's file on disk, or closes the map.
    private static void reserve(Path file, ChronicleMap<?, ?> map, PosixCalls posix) throws IOException {
        int descriptor = posix.openToWrite(file);
        try {
            int error = descriptor < 0 ? 0 : posix.allocate(descriptor, 0, Files.size(file));
            if (error != 0) {
                map.close();
                throw new IOException("the disk is full or failed (error " + error + ")");
            }
        } finally {
            posix.close(descriptor);
        }
    }

    /// Returns the bytes of file that a block takes; more than an `int` holds if the block is too large.
    static long chunkBytes(long blockBytes) {
        return BlockLayout.roundUp(blockBytes, BlockLayout.PAGE_BYTES) + ENTRY_OVERHEAD_BYTES;
    }

    /// Checks that a map can hold blocks of so many bytes.
    ///
    /// @throws IllegalArgumentException if they are too large
    static void requireBlock(long blockBytes) {
        if (chunkBytes(blockBytes) > MOST_CHUNK_BYTES) {
            throw new IllegalArgumentException("an expert of " + blockBytes + " bytes is larger than the "
                    + MOST_CHUNK_BYTES + " a block can have");
        }
    }

    /// Stores a block, and returns its offset in the file. The map chooses the place and keeps the entry; the bytes go
    /// there by a write to the file,
    /// which costs less than a copy into fresh pages of the mapping and reports a full disk instead of faulting.
    /// Threads wait for each other where the map chooses, and write together.
    long put(int packedId, MemorySegment block) throws IOException {
        ExpertBlob blob = ExpertBlob.toWrite(block);
        turn.lock();
        try {
            map.put((long) packedId, blob);
        } catch (InternalError e) {
            throw fault(file, e);
        } finally {
            turn.unlock();
        }
        long offset = fileOffset(blob.mappedAddress());
        blocks.write(block, offset);
        return offset;
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
            return fileOffset(blob.memory().address());
        } catch (InternalError e) {
            throw fault(file, e);
        }
    }

    @Override
    public void close() throws IOException {
        try (blocks) {
            map.close();
        }
    }

    private long fileOffset(long mappedAddress) {
        return mappedAddress - mapping.address();
    }

    /// Valid because the file is mapped as a whole, once, from its start.
    @SuppressWarnings("restricted") // the size is the one that was mapped
    private static MemorySegment mapping(ChronicleMap<?, ?> map, Path file) throws IOException {
        return MemorySegment.ofAddress(((VanillaChronicleHash<?, ?, ?, ?>) map).bsAddress())
                .reinterpret(Files.size(file));
    }

    private static IOException fault(Path file, InternalError cause) {
        return new IOException(file + ": the disk is full or failed while the file was written", cause);
    }
}
