package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/// Reads a file once from start to end, as blocks and the frame around them, and takes the checksum of each block and
/// one of the frame, so that no byte is left out.
final class ExpertFileScan {
    private static final int CHUNK_BYTES = 4 << 20;

    private final int[] blockChecksums;
    private int frameChecksum;

    private ExpertFileScan(int numBlocks) {
        blockChecksums = new int[numBlocks];
    }

    /// @param offsets where the blocks of `blockBytes` start, ascending
    /// @param progress told how many bytes were read since it was told last
    static ExpertFileScan of(Path path, long[] offsets, long blockBytes, LongConsumer progress) throws IOException {
        ExpertFileScan scan = new ExpertFileScan(offsets.length);
        try (Arena arena = Arena.ofConfined();
                ReopeningFile file = ReopeningFile.open(path)) {
            MemorySegment chunk = arena.allocate(CHUNK_BYTES, BlockLayout.PAGE_BYTES);
            CRC32C frame = new CRC32C();
            long at = 0;
            for (int i = 0; i < offsets.length; i++) {
                update(frame, file, at, offsets[i], chunk, progress);
                at = offsets[i] + blockBytes;
                CRC32C block = new CRC32C();
                update(block, file, offsets[i], at, chunk, progress);
                scan.blockChecksums[i] = (int) block.getValue();
            }
            update(frame, file, at, file.size(), chunk, progress);
            scan.frameChecksum = (int) frame.getValue();
        }
        return scan;
    }

    /// Takes the checksum of a file without blocks.
    static int checksumOf(Path path, LongConsumer progress) throws IOException {
        return of(path, new long[0], 0, progress).frameChecksum;
    }

    int blockChecksum(int block) {
        return blockChecksums[block];
    }

    int frameChecksum() {
        return frameChecksum;
    }

    private static void update(
            CRC32C crc, ReopeningFile file, long start, long end, MemorySegment chunk, LongConsumer progress)
            throws IOException {
        for (long at = start; at < end; at += CHUNK_BYTES) {
            MemorySegment piece = chunk.asSlice(0, Math.min(CHUNK_BYTES, end - at));
            file.readFully(at, piece);
            Checksums.update(crc, piece);
            progress.accept(piece.byteSize());
        }
    }
}
