package io.moetier.kernels.device;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What the operations of every device compute that look at other tokens.
abstract class SequenceContract extends RefusalsContract {
    /// Scores near ten are off by 1e-6 where they are summed in float32, and so is the exponential of them; a result is
    /// an average of values near 1.
    private static final double ATTENTION = 2e-5;

    /// States decay, so an error is that of the sums of a few dozen tokens of about the size of the result.
    private static final double RECURRENCE = 0x1p-16;

    /// Returns texts: how many positions are before, and how many tokens follow.
    protected int[][] texts() {
        return new int[][] {{0, 1}, {0, 33}, {250, 40}, {600, 2}, {511, 1}, {2040, 3}};
    }

    private List<AttentionShape> attentionShapes() {
        return List.of(
                new AttentionShape(6, 2, 32, 0.2f, 0),
                new AttentionShape(4, 4, 7, 0.3f, 5),
                new AttentionShape(4, 2, 80, 0.1f, 45).withSinks(new AttentionSinks(floats(4))),
                new AttentionShape(6, 3, 16, 0.2f, 0).withChunk(40).withTiledHeads(),
                new AttentionShape(2, 1, 128, 0.1f, 600).withSinks(new AttentionSinks(floats(2))),
                new AttentionShape(3, 1, 20, 0.2f, 0).withChunk(130),
                new AttentionShape(8, 2, 48, 0.2f, 0).withValueDim(32),
                new AttentionShape(4, 2, 24, 0.2f, 60).withValueDim(10).withSinks(new AttentionSinks(floats(4))),
                new AttentionShape(3, 3, 6, 0.3f, 0).withValueDim(40),
                new AttentionShape(1, 1, 1, 1f, 0));
    }

    /// Keys and values are stored in two pieces, which need not end where a chunk of the cache does.
    @Test
    void attendsToWhatAQueryMaySee() {
        for (AttentionShape shape : attentionShapes()) {
            for (int[] text : texts()) {
                for (KvType type : KvType.values()) {
                    attends(type, shape, text[0], text[1]);
                }
            }
        }
    }

    private void attends(KvType type, AttentionShape shape, int before, int n) {
        int width = shape.numKvHeads() * shape.headDim();
        int valueWidth = shape.numKvHeads() * shape.valueDim();
        float[] k = floats((before + n) * width);
        float[] v = floats((before + n) * valueWidth);
        float[] q = floats(n * shape.numHeads() * shape.headDim());
        KvLayer cache = new KvLayer(arena, type, before + n, shape.numKvHeads(), shape.headDim(), shape.valueDim());
        kernels.storeKv(buffer(k), buffer(v), before, 0, cache);
        kernels.storeKv(
                buffer(Arrays.copyOfRange(k, before * width, k.length)),
                buffer(Arrays.copyOfRange(v, before * valueWidth, v.length)),
                n,
                before,
                cache);
        DeviceBuffer out = zeros(n * shape.numHeads() * shape.valueDim());
        kernels.attention(buffer(q), n, before, shape, cache, out);
        double[] expected = Reference.attention(q, before, shape, Reference.stored(type, k), Reference.stored(type, v));
        assertClose(expected, read(out), ATTENTION, type + ", " + shape + " at " + before);
    }

    @Test
    void attendsToLatents() {
        int[][] cases = {{20, 4, 6, 41, 250, 40}, {1, 1, 2, 3, 3, 5}, {33, 2, 8, 24, 60, 2}, {2, 64, 64, 512, 30, 2}};
        for (int[] c : cases) {
            LatentShape shape = new LatentShape(c[0], c[1], c[2], c[3], 0.05f);
            int before = c[4];
            int n = c[5];
            for (KvType type : KvType.values()) {
                float[] latents = floats((before + n) * shape.latentDim());
                float[] keys = floats((before + n) * shape.ropeDim());
                float[] absorbed = floats(n * shape.numHeads() * shape.latentDim());
                float[] q = floats(n * shape.numHeads() * shape.queryDim());
                LatentLayer cache = new LatentLayer(arena, type, before + n, shape.latentDim(), shape.ropeDim());
                kernels.storeLatents(buffer(latents), buffer(keys), before + n, 0, cache);
                DeviceBuffer inPlace = buffer(absorbed);
                kernels.latentAttention(inPlace, buffer(q), n, before, shape, cache, inPlace);
                double[] expected = Reference.latentAttention(
                        absorbed, q, before, shape, Reference.stored(type, latents), Reference.stored(type, keys));
                assertClose(expected, read(inPlace), ATTENTION, type + ", " + shape);
            }
        }
    }

    @Test
    void attendsToRowsOfASequence() {
        for (int headDim : new int[] {8, 5, 24}) {
            SequenceShape open = new SequenceShape(3, headDim, 0.3f, false, 0);
            sequence(new SequenceShape(3, headDim, 0.3f, true, 4), floats(3 * 9), 5, 9, 14);
            sequence(open, null, 3, 0, 20);
            sequence(open, null, 1, 0, 1100);
        }
    }

    @Test
    void rowsAttendToEachOther() {
        int[][] cases = {{3, 8, 1}, {2, 72, 300}, {1, 5, 33}, {2, 16, 16}, {3, 8, 17}}; // heads, elements, rows
        for (int[] c : cases) {
            SequenceShape shape = new SequenceShape(c[0], c[1], 0.2f, false, 0);
            int floats = c[2] * c[0] * c[1];
            float[] q = floats(floats);
            float[] k = floats(floats);
            float[] v = floats(floats);
            DeviceBuffer out = zeros(floats);
            kernels.mutualAttention(buffer(q), buffer(k), buffer(v), c[2], shape, out);
            assertClose(Reference.sequenceAttention(q, 0, k, v, shape, null), read(out), ATTENTION, shape.toString());
        }
    }

    private void sequence(SequenceShape shape, float @Nullable [] bias, int n, int first, int numKeys) {
        int width = shape.numHeads() * shape.headDim();
        float[] q = floats(n * width);
        float[] k = floats(numKeys * width);
        float[] v = floats(numKeys * width);
        DeviceBuffer out = zeros(n * width);
        DeviceBuffer biases = bias == null ? null : buffer(bias);
        kernels.sequenceAttention(buffer(q), n, first, buffer(k), buffer(v), numKeys, shape, biases, out);
        assertClose(Reference.sequenceAttention(q, first, k, v, shape, bias), read(out), ATTENTION, shape.toString());
    }

    @Test
    void convolves() {
        int channels = 131;
        float[] taps = floats(4 * channels);
        for (float @Nullable [] bias : new float @Nullable [][] {floats(channels), null}) {
            float[] x = floats(9 * channels);
            float[] before = floats(4 * channels);
            double[] state = Reference.doubles(before);
            double[] expected = Reference.convolution(Reference.doubles(x), channels, taps, bias, state);
            assertRecurrence(expected, state, x, channels, before, (piece, from, n, kept) -> {
                kernels.causalConvolution(piece, n, channels, taps, bias, kept);
                return piece;
            });
        }
    }

    @Test
    void scansSelectively() {
        int channels = 140;
        int size = 6;
        float[] x = floats(9 * channels);
        float[] step = positive(9 * channels);
        float[] b = floats(9 * size);
        float[] c = floats(9 * size);
        float[] rates = positive(size * channels);
        float[] before = floats(size * channels);
        double[] state = Reference.doubles(before);
        double[] expected = Reference.scan(x, step, b, c, channels, rates, state);
        assertRecurrence(expected, state, x, channels, before, (piece, from, n, kept) -> {
            DeviceBuffer out = zeros(n * channels);
            DeviceBuffer steps = piece(step, from, n, channels);
            kernels.selectiveScan(
                    piece, steps, piece(b, from, n, size), piece(c, from, n, size), n, channels, rates, kept, out);
            return out;
        });
    }

    /// Keys are short, as those of the delta rule have to be: longer ones make the state grow without end.
    @Test
    void attendsLinearly() {
        for (LinearAttentionShape shape : List.of(
                new LinearAttentionShape(2, 6, 12, 20, false),
                new LinearAttentionShape(2, 6, 12, 20, true),
                new LinearAttentionShape(2, 6, 12, 20, true, true),
                new LinearAttentionShape(2, 6, 12, 20, false, false, true),
                new LinearAttentionShape(2, 6, 12, 20, true, false, true))) {
            float[] k = floats(9 * 2 * 12);
            for (int i = 0; i < k.length; i++) {
                k[i] *= 0.1f;
            }
            float[][] qkv = {floats(9 * 2 * 12), k, floats(9 * 6 * 20)};
            float[] rates = positive(6);
            float[] step = positive(9 * 6 * shape.steps());
            float[] strength = positive(9 * 6);
            attendsLinearly(shape, qkv, step, strength, rates);
            attendsLinearly(shape, qkv, null, null, rates);
        }
    }

    private void attendsLinearly(
            LinearAttentionShape shape,
            float[][] qkv,
            float @Nullable [] step,
            float @Nullable [] strength,
            float[] rates) {
        float[] before = floats(shape.stateSize());
        double[] state = Reference.doubles(before);
        double[] expected = Reference.linearAttention(qkv, step, strength, rates, shape, state);
        assertRecurrence(expected, state, qkv[2], 6 * 20, before, (v, from, n, kept) -> {
            DeviceBuffer out = zeros(n * 6 * 20);
            DeviceBuffer q = piece(qkv[0], from, n, 2 * 12);
            DeviceBuffer k = piece(qkv[1], from, n, 2 * 12);
            DeviceBuffer steps = step == null ? null : piece(step, from, n, 6 * shape.steps());
            DeviceBuffer strengths = strength == null ? null : piece(strength, from, n, 6);
            kernels.linearAttention(q, k, v, steps, strengths, rates, n, shape, kept, out);
            return out;
        });
    }

    /// An operation on tokens `from` to `from + n`, of whose first input it gets a piece.
    private interface Recurrence {
        DeviceBuffer run(DeviceBuffer piece, int from, int n, DeviceBuffer state);
    }

    private DeviceBuffer piece(float[] x, int from, int n, int width) {
        return buffer(Arrays.copyOfRange(x, from * width, (from + n) * width));
    }

    /// Runs nine tokens in pieces, and compares results and the state behind the last.
    private void assertRecurrence(
            double[] expected, double[] state, float[] x, int width, float[] before, Recurrence operation) {
        DeviceBuffer kept = buffer(before);
        int from = 0;
        for (int n : new int[] {5, 1, 3}) {
            float[] found = read(operation.run(piece(x, from, n, width), from, n, kept));
            double[] part = Arrays.copyOfRange(expected, from * width, (from + n) * width);
            assertClose(part, found, RECURRENCE, "tokens from " + from);
            from += n;
        }
        assertClose(state, read(kept), RECURRENCE, "the state");
    }

    /// A device either attends with keys and values of a size, or says what it has no room for.
    @Test
    void attendsWithLargeHeadsOrRefuses() {
        int dim = 1030;
        AttentionShape shape = new AttentionShape(1, 1, dim, 0.03f, 0);
        KvLayer cache = new KvLayer(arena, KvType.F32, 3, 1, dim);
        float[] k = floats(3 * dim);
        float[] q = floats(dim);
        kernels.storeKv(buffer(k), buffer(k), 3, 0, cache);
        DeviceBuffer out = zeros(dim);
        if (kernels.supportsAttention(KvType.F32, dim, dim)) {
            kernels.attention(buffer(q), 1, 2, shape, cache, out);
            double[] stored = Reference.doubles(k);
            assertClose(Reference.attention(q, 2, shape, stored, stored), read(out), ATTENTION, "large heads");
        } else {
            assertRefused(
                    "the attention kernels have no room for keys of 1030 and values of 1030 elements",
                    () -> kernels.attention(buffer(q), 1, 2, shape, cache, out));
        }
    }
}
