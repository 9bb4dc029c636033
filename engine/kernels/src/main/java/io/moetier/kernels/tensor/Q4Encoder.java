package io.moetier.kernels.tensor;

/// Makes `Q4_0` with the scale of least squares.
final class Q4Encoder implements RowEncoder {
    private static final int BLOCK = 32;
    private static final int BLOCK_BYTES = 18;

    /// The first is that of ggml. Where the other sign is better, the value of largest magnitude is cut or rounded.
    private static final float[] GUESSES = {-8, -8.5f, -7.6f, -7.2f, -6.8f, 7.4f, 7, 6.5f};

    private final BlockSearch search = new BlockSearch(BLOCK, -8, 7);
    private final float[] scales = new float[STRIP / BLOCK];
    private final byte[] q = new byte[STRIP];

    @Override
    public void weigh(float[] importance, int from) {
        search.weigh(importance, from);
    }

    @Override
    public void encode(float[] values, int length, byte[] blocks) {
        int n = search.load(values, length);
        search.findScales(GUESSES);
        for (int b = 0; b < n; b++) {
            scales[b] = RowEncoder.putHalf(search.scales()[b], blocks, b * BLOCK_BYTES);
        }
        search.round(scales, search.offsets(), q);
        for (int b = 0; b < n; b++) {
            Nibbles.put(q, b * BLOCK, BLOCK / 2, blocks, b * BLOCK_BYTES + 2);
        }
    }
}
