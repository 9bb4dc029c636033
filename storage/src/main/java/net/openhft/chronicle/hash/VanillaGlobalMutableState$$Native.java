package net.openhft.chronicle.hash;

import net.openhft.chronicle.bytes.Byteable;
import net.openhft.chronicle.bytes.BytesStore;

/// What Chronicle knows of a map as a whole, in 25 bytes of its file.
///
/// Chronicle looks for a class of this name and, where there is none, writes one and has `javac` compile it, which
/// takes longer than everything else that an import does before it reads weights.
@SuppressWarnings({
    "rawtypes", // as Byteable declares it
    "unchecked"
})
public final class VanillaGlobalMutableState$$Native implements VanillaGlobalMutableState, Byteable {
    private static final int BYTES = 25;
    private static final int BULKS = 0;
    private static final int FIRST_FREE_TIER = 3;
    private static final int TIERS_IN_USE = 8;
    private static final int SEGMENT_HEADERS = 13;
    private static final int DATA_STORE_SIZE = 17;

    private BytesStore store;
    private long start;

    @Override
    public int getAllocatedExtraTierBulks() {
        return (int) read(BULKS, 3);
    }

    @Override
    public void setAllocatedExtraTierBulks(int bulks) {
        write(BULKS, 3, bulks);
    }

    @Override
    public long getFirstFreeTierIndex() {
        return read(FIRST_FREE_TIER, 5);
    }

    @Override
    public void setFirstFreeTierIndex(long index) {
        write(FIRST_FREE_TIER, 5, index);
    }

    @Override
    public long getExtraTiersInUse() {
        return read(TIERS_IN_USE, 5);
    }

    @Override
    public void setExtraTiersInUse(long tiers) {
        write(TIERS_IN_USE, 5, tiers);
    }

    @Override
    public long getSegmentHeadersOffset() {
        return read(SEGMENT_HEADERS, 4);
    }

    @Override
    public void setSegmentHeadersOffset(long offset) {
        write(SEGMENT_HEADERS, 4, offset);
    }

    @Override
    public long getDataStoreSize() {
        return read(DATA_STORE_SIZE, 8);
    }

    @Override
    public void setDataStoreSize(long size) {
        write(DATA_STORE_SIZE, 8, size);
    }

    @Override
    public long addDataStoreSize(long addition) {
        setDataStoreSize(getDataStoreSize() + addition);
        return getDataStoreSize();
    }

    @Override
    public void bytesStore(BytesStore bytesStore, long offset, long length) {
        if (length != BYTES || offset + length > bytesStore.capacity()) {
            throw new IllegalArgumentException(length + " bytes at " + offset + " of " + bytesStore.capacity());
        }
        store = bytesStore;
        start = offset;
    }

    @Override
    public BytesStore bytesStore() {
        return store;
    }

    @Override
    public long offset() {
        return start;
    }

    @Override
    public long maxSize() {
        return BYTES;
    }

    private long read(int at, int length) {
        long value = 0;
        for (int i = 0; i < length; i++) {
            value |= (long) store.readUnsignedByte(start + at + i) << (8 * i);
        }
        return value;
    }

    private void write(int at, int length, long value) {
        if (value < 0 || (length < Long.BYTES && value >>> (8 * length) != 0)) {
            throw new IllegalArgumentException(value + " does not fit into " + length + " bytes");
        }
        for (int i = 0; i < length; i++) {
            store.writeByte(start + at + i, (byte) (value >>> (8 * i)));
        }
    }
}
