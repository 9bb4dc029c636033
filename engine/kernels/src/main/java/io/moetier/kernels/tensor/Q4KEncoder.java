package io.moetier.kernels.tensor;

import io.moetier.storage.model.DType;
import java.util.Arrays;

/// Makes `Q4_K`: scales and offsets of groups by least squares, then the best six-bit ones nearby.
final class Q4KEncoder implements RowEncoder {
    private static final int BLOCK = 256;
    private static final int OPEN_BYTES = 148;
    private static final int GROUP = 32;
    private static final int GROUPS = BLOCK / GROUP;
    private static final int LARGEST_CODE = 63;
    private static final float[] GUESSES = {15, 14.2f, 14.6f, 15.4f, 16, 16.8f, 17.8f};

    private final BlockSearch search = new BlockSearch(GROUP, 0, 15);
    private final float[] units = new float[STRIP / GROUP];
    private final float[] offsetUnits = new float[STRIP / GROUP];
    private final int[] scaleCodes = new int[STRIP / GROUP];
    private final int[] offsetCodes = new int[STRIP / GROUP];
    private final float[] scales = new float[STRIP / GROUP];
    private final float[] offsets = new float[STRIP / GROUP];
    private final float[] leastErrors = new float[STRIP / GROUP];
    private final byte[] q = new byte[STRIP];
    private final byte[] open = new byte[STRIP / BLOCK * OPEN_BYTES];
    private final SixBitScales opening = new SixBitScales(DType.Q4_K.blockBytes());

    @Override
    public void weigh(float[] importance, int from) {
        search.weigh(importance, from);
    }

    @Override
    public void encode(float[] values, int length, byte[] blocks) {
        int n = search.load(values, length);
        search.findScalesAndOffsets(GUESSES);
        for (int block = 0; block < length / BLOCK; block++) {
            chooseUnits(block * GROUPS, block * OPEN_BYTES);
        }
        refineCodes(n);
        search.round(scales, offsets, q);
        for (int block = 0; block < length / BLOCK; block++) {
            write(block * GROUPS, block * OPEN_BYTES);
        }
        opening.close(open, blocks, length / BLOCK);
    }

    /// Writes `d` and `dmin`, and chooses the codes nearest to what was found.
    private void chooseUnits(int first, int at) {
        float largestScale = 0;
        float largestOffset = 0;
        for (int g = first; g < first + GROUPS; g++) {
            largestScale = Math.max(largestScale, search.scales()[g]);
            largestOffset = Math.max(largestOffset, -search.offsets()[g]);
        }
        float d = RowEncoder.putHalf(largestScale / LARGEST_CODE, open, at);
        float dmin = RowEncoder.putHalf(largestOffset / LARGEST_CODE, open, at + 2);
        for (int g = first; g < first + GROUPS; g++) {
            units[g] = d;
            offsetUnits[g] = -dmin;
            scaleCodes[g] = nearest(search.scales()[g], d);
            offsetCodes[g] = nearest(-search.offsets()[g], dmin);
        }
    }

    private static int nearest(float value, float unit) {
        return unit == 0 ? 0 : Math.min(Math.round(value / unit), LARGEST_CODE);
    }

    /// Takes the best of the codes and their neighbours.
    private void refineCodes(int n) {
        int[] scaleCenters = Arrays.copyOf(scaleCodes, n);
        int[] offsetCenters = Arrays.copyOf(offsetCodes, n);
        Arrays.fill(leastErrors, Float.POSITIVE_INFINITY);
        for (int i = -1; i <= 1; i++) {
            for (int j = -1; j <= 1; j++) {
                tryCodes(n, scaleCenters, i, offsetCenters, j);
            }
        }
        decode(n, scaleCodes, 0, offsetCodes, 0);
    }

    private void tryCodes(int n, int[] scaleCenters, int i, int[] offsetCenters, int j) {
        decode(n, scaleCenters, i, offsetCenters, j);
        float[] errors = search.errors(scales, offsets);
        for (int g = 0; g < n; g++) {
            if (errors[g] < leastErrors[g]) {
                leastErrors[g] = errors[g];
                scaleCodes[g] = near(scaleCenters[g], i);
                offsetCodes[g] = near(offsetCenters[g], j);
            }
        }
    }

    private void decode(int n, int[] scaleCenters, int i, int[] offsetCenters, int j) {
        for (int g = 0; g < n; g++) {
            scales[g] = units[g] * near(scaleCenters[g], i);
            offsets[g] = offsetUnits[g] * near(offsetCenters[g], j);
        }
    }

    private static int near(int code, int step) {
        return Math.clamp((long) code + step, 0, LARGEST_CODE);
    }

    private void write(int first, int at) {
        for (int g = 0; g < GROUPS; g++) {
            open[at + 4 + g] = (byte) scaleCodes[first + g];
            open[at + 12 + g] = (byte) offsetCodes[first + g];
        }
        for (int pair = 0; pair < GROUPS / 2; pair++) {
            Nibbles.put(q, (first + 2 * pair) * GROUP, GROUP, open, at + 20 + pair * GROUP);
        }
    }
}
