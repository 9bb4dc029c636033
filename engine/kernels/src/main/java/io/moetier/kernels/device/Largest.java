package io.moetier.kernels.device;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;

/// The largest of many numbers, by falling value, and with it by rising index where they are equal.
///
/// NaN counts as larger than every number, so that it shows; negative infinity is left out. Filled anew by every
/// search; nothing is allocated once it has been as large before.
public final class Largest {
    /// The most that [Kernels#largest] finds.
    public static final int MOST_OF_KERNELS = 256;

    /// Of a long row most numbers are below the least that is kept; the others are sorted out when so many have come.
    private static final int SPARE = 64;

    private long[] keys = new long[0];
    private int size;

    /// Finds the `k` largest, or all if there are fewer, of `values[from]` to `values[from + n - 1]`; their indices
    /// are counted from `from`.
    public void find(float[] values, int from, int n, int k) {
        Objects.checkFromIndexSize(from, n, values.length);
        int most = Math.min(k, n);
        reserve(Math.min(most + SPARE, n));
        size = 0;
        float least = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            float value = values[from + i];
            if (!(value <= least)) { // or NaN
                if (size == keys.length) {
                    least = keep(most);
                }
                keys[size++] = key(value, i);
            }
        }
        if (size > most) {
            keep(most);
        }
        Arrays.sort(keys, 0, size);
    }

    /// Takes what a device has found.
    ///
    /// @param found `n` keys of 8 bytes as this class makes them, rising
    public void take(MemorySegment found, int n) {
        reserve(n);
        MemorySegment.copy(found, JAVA_LONG, 0, keys, 0, n);
        size = n;
        while (size > 0 && value(size - 1) == Float.NEGATIVE_INFINITY) {
            size--;
        }
    }

    /// Takes the `k` largest of `others`, which may be this, that have none of these indices.
    public void take(Largest others, BitSet leftOut, int k) {
        reserve(others.size);
        int taken = 0;
        for (int i = 0; i < others.size && taken < k; i++) {
            long key = others.keys[i];
            if (!leftOut.get((int) key)) {
                keys[taken++] = key;
            }
        }
        size = taken;
    }

    /// Returns how many there are.
    public int size() {
        return size;
    }

    /// Returns the index of the `i`-th largest, the first being 0.
    public int index(int i) {
        return (int) keys[Objects.checkIndex(i, size)];
    }

    /// Returns the `i`-th largest value.
    public float value(int i) {
        int ascending = ~(int) (keys[Objects.checkIndex(i, size)] >>> Integer.SIZE);
        return Float.intBitsToFloat(ascending ^ (ascending >> 31 & Integer.MAX_VALUE));
    }

    /// Returns what orders numbers by falling value, then rising index: the bits of a float, read as an integer, rise
    /// with it. The two zeros are equal.
    private static long key(float value, int index) {
        int bits = Float.floatToIntBits(value + 0f);
        int ascending = bits ^ (bits >> 31 & Integer.MAX_VALUE);
        return (long) ~ascending << Integer.SIZE | index;
    }

    private void reserve(int length) {
        if (keys.length < length) {
            keys = new long[length];
        }
    }

    /// Leaves the `k` largest, in any order, and returns the least of them.
    private float keep(int k) {
        selectFirst(k);
        size = k;
        int last = 0;
        for (int i = 1; i < k; i++) {
            last = keys[i] > keys[last] ? i : last;
        }
        return value(last);
    }

    /// Quickselect: moves the `k` smallest keys to the front, in any order.
    private void selectFirst(int k) {
        int low = 0;
        int high = size - 1;
        while (low < high) {
            long pivot = keys[(low + high) >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (keys[i] < pivot) {
                    i++;
                }
                while (keys[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    long swapped = keys[i];
                    keys[i++] = keys[j];
                    keys[j--] = swapped;
                }
            }
            if (k - 1 <= j) {
                high = j;
            } else if (k - 1 >= i) {
                low = i;
            } else {
                return;
            }
        }
    }
}
