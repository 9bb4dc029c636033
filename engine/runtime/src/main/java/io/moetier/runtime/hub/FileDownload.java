package io.moetier.runtime.hub;

import java.util.BitSet;

/// A file that is downloaded: which of its chunks are there, and which somebody fetches. The [Board] guards it.
final class FileDownload {
    final HubFile file;
    final PartialFile partial;
    final int chunkBytes;
    private final int chunks;
    private final BitSet arrived;
    private final BitSet taken;
    private boolean inOnePart;

    FileDownload(HubFile file, PartialFile partial, int chunkBytes) {
        this.file = file;
        this.partial = partial;
        this.chunkBytes = chunkBytes;
        this.chunks = Math.toIntExact((file.bytes() + chunkBytes - 1) / chunkBytes);
        this.arrived = partial.arrived();
        this.taken = partial.arrived();
    }

    /// Chunks of a file that follow each other.
    ///
    /// @param from the first
    /// @param to the one behind the last
    record Part(FileDownload download, int from, int to) {
        long offset() {
            return (long) from * download.chunkBytes;
        }

        long bytes() {
            return Math.min((long) to * download.chunkBytes, download.file.bytes()) - offset();
        }
    }

    int chunks() {
        return chunks;
    }

    /// Returns how long a chunk is.
    int bytes(int chunk) {
        return (int) Math.min(chunkBytes, file.bytes() - (long) chunk * chunkBytes);
    }

    long bytes() {
        return file.bytes();
    }

    long arrivedBytes() {
        return arrived.stream().mapToLong(this::bytes).sum();
    }

    boolean hasFree() {
        return inOnePart ? taken.equals(arrived) && !isComplete() : taken.nextClearBit(0) < chunks;
    }

    /// Has the file come in one part from now on, with what is there of it: the hub gives no others.
    void comeInOnePart() {
        inOnePart = true;
    }

    /// Takes the first chunks that nobody has, as many as follow each other, but not more than `most`; all there are
    /// if they come in one part.
    Part take(int most) {
        if (inOnePart) {
            taken.set(0, chunks);
            return new Part(this, 0, chunks);
        }
        int from = taken.nextClearBit(0);
        int end = taken.nextSetBit(from);
        int to = Math.min(Math.min(end < 0 ? chunks : end, chunks), from + most);
        taken.set(from, to);
        return new Part(this, from, to);
    }

    void giveBack(int from, int to) {
        taken.clear(from, to);
        taken.or(arrived); // in one part, what was there before comes again
    }

    void markArrived(int chunk) {
        arrived.set(chunk);
    }

    boolean hasArrived(int chunk) {
        return arrived.get(chunk);
    }

    boolean isComplete() {
        return arrived.cardinality() == chunks;
    }
}
