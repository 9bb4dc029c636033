package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/// Reads every byte of a file once, as blocks and the frame around them, and takes the checksum of each block and one
/// of the frame, so that no byte is left out.
///
/// Several threads take blocks meanwhile, a few at a time; the calling thread reads the frame, waits and tells
/// progress.
final class ExpertFileScan {
    /// Few enough to stay in the second-level cache between the read and the checksum.
    private static final int CHUNK_BYTES = 1 << 20;
    /// How much a thread takes at a time.
    private static final long GROUP_BYTES = 64L << 20;
    private static final int MOST_THREADS = 8;

    private final ReopeningFile file;
    private final long[] offsets;
    private final long blockBytes;
    private final int[] blockChecksums;
    private int frameChecksum;

    private ExpertFileScan(ReopeningFile file, long[] offsets, long blockBytes) {
        this.file = file;
        this.offsets = offsets;
        this.blockBytes = blockBytes;
        blockChecksums = new int[offsets.length];
    }

    /// @param offsets where the blocks of `blockBytes` start, ascending
    /// @param progress told how many bytes were read since it was told last
    /// @throws IOException if the file cannot be read or the thread is interrupted
    static ExpertFileScan of(Path path, long[] offsets, long blockBytes, LongConsumer progress) throws IOException {
        try (ReopeningFile file = ReopeningFile.open(path)) {
            ExpertFileScan scan = new ExpertFileScan(file, offsets, blockBytes);
            if (offsets.length > 0) {
                scan.scanBlocks(progress);
            }
            scan.scanFrame(progress);
            return scan;
        }
    }

    /// Takes the checksum of a file without blocks.
    static int checksumOf(Path path, LongConsumer progress) throws IOException {
        return of(path, new long[0], 0, progress).frameChecksum;
    }

    /// Takes the checksum of what is around the blocks.
    static int frameChecksumOf(Path path, long[] offsets, long blockBytes) throws IOException {
        try (ReopeningFile file = ReopeningFile.open(path)) {
            ExpertFileScan scan = new ExpertFileScan(file, offsets, blockBytes);
            scan.scanFrame(bytes -> {});
            return scan.frameChecksum;
        }
    }

    int blockChecksum(int block) {
        return blockChecksums[block];
    }

    int frameChecksum() {
        return frameChecksum;
    }

    private void scanBlocks(LongConsumer progress) throws IOException {
        int together = Math.clamp(GROUP_BYTES / Math.max(1, blockBytes), 1, offsets.length);
        int count = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
        try (TaskThreads threads = new TaskThreads(count, "moetier-scan-")) {
            List<Callable<Long>> groups = new ArrayList<>();
            for (int first = 0; first < offsets.length; first += together) {
                int from = first;
                int to = Math.min(offsets.length, first + together);
                groups.add(() -> scanBlocks(from, to, threads));
            }
            threads.run(groups, progress);
        }
    }

    private long scanBlocks(int from, int to, TaskThreads threads) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = chunk(arena);
            for (int i = from; i < to; i++) {
                CRC32C crc = new CRC32C();
                update(crc, offsets[i], offsets[i] + blockBytes, chunk, bytes -> threads.requireRunning());
                blockChecksums[i] = (int) crc.getValue();
            }
        }
        return (to - from) * blockBytes;
    }

    private void scanFrame(LongConsumer progress) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = chunk(arena);
            CRC32C crc = new CRC32C();
            long at = 0;
            for (long offset : offsets) {
                update(crc, at, offset, chunk, progress);
                at = offset + blockBytes;
            }
            update(crc, at, file.size(), chunk, progress);
            frameChecksum = (int) crc.getValue();
        }
    }

    private static MemorySegment chunk(Arena arena) {
        return arena.allocate(CHUNK_BYTES, BlockLayout.PAGE_BYTES);
    }

    private void update(CRC32C crc, long start, long end, MemorySegment chunk, LongConsumer progress)
            throws IOException {
        for (long at = start; at < end; at += CHUNK_BYTES) {
            MemorySegment piece = chunk.asSlice(0, Math.min(CHUNK_BYTES, end - at));
            file.readFully(at, piece);
            Checksums.update(crc, piece);
            progress.accept(piece.byteSize());
        }
    }
}
