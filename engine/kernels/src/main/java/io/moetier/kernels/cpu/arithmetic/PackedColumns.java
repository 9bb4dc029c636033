package io.moetier.kernels.cpu.arithmetic;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Columns of activations rearranged for a matrix product. What lies where is up to the [Arithmetic] that packed them;
/// arrays that it does not use stay empty.
public final class PackedColumns {
    private static final float[] NO_FLOATS = {};
    private static final byte[] NO_BYTES = {};
    private static final int[] NO_INTS = {};

    /// How many columns there are.
    public int n;

    /// How many elements each of them has.
    public int cols;

    public float[] floats = NO_FLOATS;
    public byte[] bytes = NO_BYTES;
    public float[] scales = NO_FLOATS;
    public int[] sums = NO_INTS;

    /// The arrays as native code gets them.
    public MemorySegment floatsSegment = MemorySegment.ofArray(floats);

    public MemorySegment bytesSegment = MemorySegment.ofArray(bytes);
    public MemorySegment scalesSegment = floatsSegment;
    public MemorySegment sumsSegment = MemorySegment.ofArray(sums);

    /// Returns `known` if there are enough, else a copy with new ones behind.
    public static PackedColumns[] grown(PackedColumns[] known, int size) {
        if (known.length >= size) {
            return known;
        }
        PackedColumns[] grown = Arrays.copyOf(known, size);
        for (int i = known.length; i < size; i++) {
            grown[i] = new PackedColumns();
        }
        return grown;
    }

    public static long byteSize(PackedColumns[] all) {
        long size = 0;
        for (PackedColumns columns : all) {
            size += columns.bytes.length + 4L * (columns.floats.length + columns.scales.length + columns.sums.length);
        }
        return size;
    }

    /// Returns the most bytes that so many activations become, in any form: floats, each 32 of which have a scale and a
    /// sum.
    public static long mostBytes(long activations) {
        return activations * Float.BYTES + activations / 32 * 2 * Float.BYTES;
    }

    /// Gives up all room.
    public void clear() {
        floats = NO_FLOATS;
        bytes = NO_BYTES;
        scales = NO_FLOATS;
        sums = NO_INTS;
        floatsSegment = MemorySegment.ofArray(floats);
        bytesSegment = MemorySegment.ofArray(bytes);
        scalesSegment = floatsSegment;
        sumsSegment = MemorySegment.ofArray(sums);
    }

    /// Sets the shape, and makes room for at least these elements of each array. Arrays grow to just that: passes have
    /// only so many tokens, so this ends soon.
    public void reserve(int n, int cols, int numFloats, int numBytes, int numScales, int numSums) {
        this.n = n;
        this.cols = cols;
        if (floats.length < numFloats) {
            floats = new float[numFloats];
            floatsSegment = MemorySegment.ofArray(floats);
        }
        if (scales.length < numScales) {
            scales = new float[numScales];
            scalesSegment = MemorySegment.ofArray(scales);
        }
        if (bytes.length < numBytes) {
            bytes = new byte[numBytes];
            bytesSegment = MemorySegment.ofArray(bytes);
        }
        if (sums.length < numSums) {
            sums = new int[numSums];
            sumsSegment = MemorySegment.ofArray(sums);
        }
    }
}
