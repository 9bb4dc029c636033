package io.moetier.kernels.tensor;

import java.util.Arrays;

/// Makes `Q6_K`: scales of groups by least squares, then the best eight-bit ones nearby.
final class Q6KEncoder implements RowEncoder {
    private static final int BLOCK = 256;
    private static final int BLOCK_BYTES = 210;
    private static final int GROUP = 16;
    private static final int GROUPS = BLOCK / GROUP;
    private static final int HALF = BLOCK / 2;
    private static final float[] GUESSES = {-32, -31.5f, -31, -30.5f, -30, 31.5f, 31, 30.5f, 30};

    private final BlockSearch search = new BlockSearch(GROUP, -32, 31);
    private final float[] units = new float[STRIP / GROUP];
    private final int[] codes = new int[STRIP / GROUP];
    private final float[] scales = new float[STRIP / GROUP];
    private final float[] leastErrors = new float[STRIP / GROUP];
    private final byte[] q = new byte[STRIP];

    @Override
    public void weigh(float[] importance, int from) {
        search.weigh(importance, from);
    }

    @Override
    public void encode(float[] values, int length, byte[] blocks) {
        int n = search.load(values, length);
        search.findScales(GUESSES);
        for (int block = 0; block < length / BLOCK; block++) {
            chooseUnit(block * GROUPS, blocks, block * BLOCK_BYTES);
        }
        refineCodes(n);
        search.round(scales, search.offsets(), q);
        for (int block = 0; block < length / BLOCK; block++) {
            write(block * GROUPS, blocks, block * BLOCK_BYTES);
        }
    }

    /// Writes `d`, with which the largest scale is -128, and chooses the codes nearest to what was found.
    private void chooseUnit(int first, byte[] blocks, int at) {
        float largest = 0;
        for (int g = first; g < first + GROUPS; g++) {
            float scale = search.scales()[g];
            largest = Math.abs(scale) > Math.abs(largest) ? scale : largest;
        }
        float d = RowEncoder.putHalf(largest / Byte.MIN_VALUE, blocks, at + 208);
        for (int g = first; g < first + GROUPS; g++) {
            units[g] = d;
            codes[g] = d == 0 ? 0 : near(Math.round(search.scales()[g] / d), 0);
        }
    }

    private static int near(int code, int step) {
        return Math.clamp((long) code + step, Byte.MIN_VALUE, Byte.MAX_VALUE);
    }

    /// Takes the best of the codes and their neighbours.
    private void refineCodes(int n) {
        int[] centers = Arrays.copyOf(codes, n);
        Arrays.fill(leastErrors, Float.POSITIVE_INFINITY);
        for (int i = -1; i <= 1; i++) {
            decode(n, centers, i);
            float[] errors = search.errors(scales, search.offsets());
            for (int g = 0; g < n; g++) {
                if (errors[g] < leastErrors[g]) {
                    leastErrors[g] = errors[g];
                    codes[g] = near(centers[g], i);
                }
            }
        }
        decode(n, codes, 0);
    }

    private void decode(int n, int[] centers, int step) {
        for (int g = 0; g < n; g++) {
            scales[g] = units[g] * near(centers[g], step);
        }
    }

    /// Twice 64 bytes of lower halves, twice 32 bytes of four upper two bits, sixteen scales.
    private void write(int first, byte[] blocks, int at) {
        for (int half = 0; half < 2; half++) {
            int from = first * GROUP + half * HALF;
            Nibbles.put(q, from, 64, blocks, at + half * 64);
            for (int i = 0; i < 32; i++) {
                int upper = 0;
                for (int part = 0; part < 4; part++) {
                    upper |= q[from + 32 * part + i] >> 4 << (2 * part);
                }
                blocks[at + HALF + half * 32 + i] = (byte) upper;
            }
        }
        for (int g = 0; g < GROUPS; g++) {
            blocks[at + 192 + g] = (byte) codes[first + g];
        }
    }
}
