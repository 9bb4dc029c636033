package io.moetier.kernels.cpu.attention;

import java.util.Arrays;

/// Finds the largest of many scores, of equal ones the first, eight bits of them after another. One thread's; its
/// memory grows with the largest number of scores seen.
final class LargestKeys {
    private static final int BITS = 8;
    private static final int BUCKETS = 1 << BITS;

    private final int[] counts = new int[BUCKETS];
    private int[] ordered = new int[0];

    /// Writes the numbers of the `k` largest of `count` scores from `scores[at]` on to `out`, in ascending order.
    void find(float[] scores, int at, int count, int k, float[] out, int to) {
        if (ordered.length < count) {
            ordered = new int[Math.max(count, 2 * ordered.length)];
        }
        for (int i = 0; i < count; i++) {
            ordered[i] = ordered(scores[at + i]);
        }
        int last = 0; // the bits of the k-th largest that are known
        int equal = k; // how many of those that begin with them are among the k largest
        for (int shift = Integer.SIZE - BITS; shift >= 0; shift -= BITS) {
            count(count, last, shift);
            int bucket = BUCKETS - 1;
            while (counts[bucket] < equal) {
                equal -= counts[bucket--];
            }
            last |= bucket << shift;
        }
        write(count, last, equal, out, to);
    }

    /// Counts the scores that begin with the known bits by their next eight.
    private void count(int count, int known, int shift) {
        Arrays.fill(counts, 0);
        int behind = shift + BITS;
        for (int i = 0; i < count; i++) {
            if (behind == Integer.SIZE || (ordered[i] ^ known) >>> behind == 0) {
                counts[ordered[i] >>> shift & BUCKETS - 1]++;
            }
        }
    }

    private void write(int count, int last, int equal, float[] out, int to) {
        int left = equal;
        int next = to;
        for (int i = 0; i < count; i++) {
            int order = Integer.compareUnsigned(ordered[i], last);
            if (order > 0 || (order == 0 && left-- > 0)) {
                out[next++] = i;
            }
        }
    }

    /// Returns bits that are ordered, without sign, as scores are; both zeros are one.
    private static int ordered(float score) {
        int bits = Float.floatToRawIntBits(score + 0f);
        return bits ^ (bits >> 31 | Integer.MIN_VALUE);
    }

    long byteSize() {
        return (long) Integer.BYTES * ordered.length;
    }
}
