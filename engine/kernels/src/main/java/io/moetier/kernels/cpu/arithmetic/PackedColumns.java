package io.moetier.kernels.cpu.arithmetic;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Columns of activations rearranged for a matrix product. What lies where is up to the [Arithmetic] that packed them;
/// arrays that it does not use stay empty.
public final class PackedColumns {
    /// How many columns there are.
    public int n;

    /// How many elements each of them has.
    public int cols;

    public float[] floats = new float[0];
    public byte[] bytes = new byte[0];
    public float[] scales = floats;
    public int[] sums = new int[0];

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

    /// Sets the shape, and makes room for at least these elements of each array.
    public void reserve(int n, int cols, int numFloats, int numBytes, int numScales, int numSums) {
        this.n = n;
        this.cols = cols;
        if (floats.length < numFloats) {
            floats = Scratch.grown(floats, numFloats);
            floatsSegment = MemorySegment.ofArray(floats);
        }
        if (scales.length < numScales) {
            scales = Scratch.grown(scales, numScales);
            scalesSegment = MemorySegment.ofArray(scales);
        }
        if (bytes.length < numBytes) {
            bytes = new byte[Math.max(numBytes, 2 * bytes.length)];
            bytesSegment = MemorySegment.ofArray(bytes);
        }
        if (sums.length < numSums) {
            sums = new int[Math.max(numSums, 2 * sums.length)];
            sumsSegment = MemorySegment.ofArray(sums);
        }
    }
}
