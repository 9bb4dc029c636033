package io.moetier.kernels.device;

/// Which keys a query of sparse attention reads: positions are cut into blocks, and it reads the chosen ones of
/// those that have begun, each up to its own position. Where the block of the query itself need not be chosen, a
/// block is one position.
///
/// Keys may be entries that stand for several positions each ([CompressedShape]): a query then sees those that are
/// complete.
///
/// @param numHeads key heads with a choice of their own, or 1 for one of all heads
/// @param most blocks that are chosen
/// @param length keys of a block, a divisor of [KvLayer#CHUNK_POSITIONS]; 1 where keys are entries
/// @param rate positions of a key
public record KeyBlocks(int numHeads, int most, int length, int rate) {
    /// @throws IllegalArgumentException if a count is not positive, or blocks do not fill a chunk of a cache
    public KeyBlocks {
        if (numHeads < 1 || most < 1 || (long) numHeads * most > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(numHeads + " choices of " + most + " blocks");
        }
        if (length < 1 || KvLayer.CHUNK_POSITIONS % length != 0) {
            throw new IllegalArgumentException(
                    "blocks of " + length + " keys do not divide " + KvLayer.CHUNK_POSITIONS);
        }
        if (rate < 1 || (rate > 1 && length > 1)) {
            throw new IllegalArgumentException("blocks of " + length + " keys of " + rate + " positions each");
        }
    }

    /// Creates those of keys of one position each.
    public KeyBlocks(int numHeads, int most, int length) {
        this(numHeads, most, length, 1);
    }

    /// Returns how many numbers the choice of a query takes.
    public int floats() {
        return numHeads * most;
    }

    /// Returns how many keys a query at `position` sees.
    public int seen(int position) {
        return (position + 1) / rate;
    }

    /// Returns how many blocks have begun for a query at `position`.
    public int begun(int position) {
        return Math.ceilDiv(seen(position), length);
    }

    /// Returns how many blocks a query at `position` reads.
    public int chosen(int position) {
        return Math.min(begun(position), most);
    }

    /// Returns how many keys a query at `position` reads. The last block of several is its own.
    public int keys(int position) {
        return Math.max(0, (chosen(position) - 1) * length + (seen(position) - 1) % length + 1);
    }

    /// Says whether queries up to `position` read every key before them, so that there is no choice.
    public boolean readsAll(int position) {
        return begun(position) <= most;
    }
}
