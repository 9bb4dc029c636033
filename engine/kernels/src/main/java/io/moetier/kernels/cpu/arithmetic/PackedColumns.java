package io.moetier.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Columns of activations rearranged for a matrix product. What lies where is up to the [Arithmetic] that packed them;
/// arrays that it does not use stay empty.
final class PackedColumns {
    /// How many columns there are.
    int n;

    /// How many elements each of them has.
    int cols;

    float[] floats = new float[0];
    byte[] bytes = new byte[0];
    float[] scales = floats;
    int[] sums = new int[0];

    /// The arrays as native code gets them.
    MemorySegment floatsSegment = MemorySegment.ofArray(floats);

    MemorySegment bytesSegment = MemorySegment.ofArray(bytes);
    MemorySegment scalesSegment = floatsSegment;
    MemorySegment sumsSegment = MemorySegment.ofArray(sums);

    /// Returns `known` if there are enough, else a copy with new ones behind.
    static PackedColumns[] grown(PackedColumns[] known, int size) {
        if (known.length >= size) {
            return known;
        }
        PackedColumns[] grown = Arrays.copyOf(known, size);
        for (int i = known.length; i < size; i++) {
            grown[i] = new PackedColumns();
        }
        return grown;
    }

    static long byteSize(PackedColumns[] all) {
        long size = 0;
        for (PackedColumns columns : all) {
            size += columns.bytes.length + 4L * (columns.floats.length + columns.scales.length + columns.sums.length);
        }
        return size;
    }

    /// Sets the shape, and makes room for at least these elements of each array.
    void reserve(int n, int cols, int numFloats, int numBytes, int numScales, int numSums) {
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
