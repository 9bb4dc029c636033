package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What every device computes of sparse attention: which keys it chooses, and what it makes of those.
abstract class ChoiceContract extends SequenceContract {
    /// Scores are sums of some hundred products near 1; keys whose scores are closer than this may take turns.
    private static final double TIE = 1e-3;

    private static final double ATTENTION = 2e-5;

    @Test
    void choosesThePositionsOfTheLargestWeightedScores() {
        for (int[] shape : new int[][] {{3, 20, 7}, {17, 32, 300}, {1, 5, 1}, {9, 40, 64}}) {
            chooses(new IndexShape(shape[0], shape[1], new KeyBlocks(1, shape[2], 1)));
        }
    }

    @Test
    void choosesForEachHeadItsOwnBlockAndThoseOfTheLargestProducts() {
        for (int[] shape :
                new int[][] {{3, 20, 3, 4}, {1, 32, 2, 128}, {9, 16, 5, 16}, {2, 7, 1, 256}, {4, 8, 4, 32}}) {
            chooses(new IndexShape(shape[0], shape[1], new KeyBlocks(shape[0], shape[2], shape[3])));
        }
    }

    private void chooses(IndexShape shape) {
        for (int[] text : texts()) {
            for (KvType type : KvType.values()) {
                chooses(type, shape, text[0], text[1]);
            }
        }
    }

    private void chooses(KvType type, IndexShape shape, int before, int n) {
        float[] keys = floats((before + n) * shape.dim());
        float[] q = floats(n * shape.numHeads() * shape.dim());
        float[] weights = shape.isWeighted() ? floats(n * shape.numHeads()) : null;
        float[] found = choose(type, shape, before, keys, q, weights);
        double[] stored = Reference.stored(type, keys);
        KeyBlocks blocks = shape.blocks();
        for (int list = 0; list < n * blocks.numHeads(); list++) {
            int position = before + list / blocks.numHeads();
            double[] scores = Reference.indexScores(q, weights, list, position, shape, stored);
            int at = list * blocks.most();
            float[] chosen = Arrays.copyOfRange(found, at, at + blocks.chosen(position));
            assertLargest(scores, chosen, type + ", " + shape + ", " + position);
        }
    }

    private float[] choose(
            KvType type, IndexShape shape, int before, float[] keys, float[] q, float @Nullable [] weights) {
        int n = q.length / (shape.numHeads() * shape.dim());
        IndexLayer cache = new IndexLayer(arena, type, before + n, shape.dim());
        kernels.storeIndexKeys(buffer(keys), before, 0, cache);
        float[] last = Arrays.copyOfRange(keys, before * shape.dim(), keys.length);
        kernels.storeIndexKeys(buffer(last), n, before, cache);
        DeviceBuffer out = zeros(n * shape.blocks().floats());
        DeviceBuffer factors = weights == null ? null : buffer(weights);
        kernels.chooseKeys(buffer(q), factors, n, before, shape, cache, out);
        return read(out);
    }

    static void assertLargest(double[] scores, float[] chosen, String what) {
        boolean[] isChosen = new boolean[scores.length];
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < chosen.length; i++) {
            assertTrue(i == 0 || chosen[i] > chosen[i - 1], what + " in order");
            isChosen[(int) chosen[i]] = true;
            least = Math.min(least, scores[(int) chosen[i]]);
        }
        for (int i = 0; i < scores.length; i++) {
            assertTrue(isChosen[i] || scores[i] <= least + TIE, what + ": " + i + " of " + scores[i]);
        }
    }

    /// No product is above 0, so all scores are 0.
    @Test
    void ofEqualScoresTheFirstAreChosen() {
        IndexShape shape = new IndexShape(2, 4, new KeyBlocks(1, 5, 1));
        float[] keys = new float[4 * 601];
        Arrays.fill(keys, -1);
        keys[4 * 300] = 9; // the only one that is larger
        float[] q = {1, 1, 1, 1, 1, 1, 1, 1};
        float[] chosen = choose(KvType.F32, shape, 600, keys, q, new float[] {1, 1});
        assertArrayEquals(new float[] {0, 1, 2, 3, 300}, chosen);
        float[] last = choose(KvType.F16, shape, 600, keys, q, new float[] {-1, -1});
        assertArrayEquals(new float[] {0, 1, 2, 3, 4}, last);
    }

    private List<AttentionShape> attentionShapes() {
        return List.of(
                new AttentionShape(6, 3, 32, 0.2f, 0).withSinks(new AttentionSinks(floats(6))),
                new AttentionShape(4, 1, 20, 0.2f, 0),
                new AttentionShape(6, 3, 7, 0.3f, 0).withTiledHeads(),
                new AttentionShape(4, 2, 24, 0.2f, 0).withValueDim(16));
    }

    @Test
    void attendsToTheChosenKeysAlone() {
        for (AttentionShape shape : attentionShapes()) {
            for (int[] text : texts()) {
                for (KvType type : KvType.values()) {
                    attends(type, shape, new KeyBlocks(shape.numKvHeads(), 3, 4), text[0], text[1]);
                    attends(type, shape, new KeyBlocks(shape.numKvHeads(), 9, 128), text[0], text[1]);
                    attends(type, shape, new KeyBlocks(1, 70, 1), text[0], text[1]);
                }
            }
        }
    }

    private void attends(KvType type, AttentionShape shape, KeyBlocks blocks, int before, int n) {
        int dim = shape.headDim();
        int valueDim = shape.valueDim();
        int width = shape.numKvHeads() * dim;
        int valueWidth = shape.numKvHeads() * valueDim;
        float[] k = floats((before + n) * width);
        float[] v = floats((before + n) * valueWidth);
        float[] q = floats(n * shape.numHeads() * dim);
        KvLayer cache = new KvLayer(arena, type, before + n, shape.numKvHeads(), dim, valueDim);
        kernels.storeKv(buffer(k), buffer(v), before + n, 0, cache);
        float[] chosen = anyChoice(blocks, before, n);
        DeviceBuffer out = zeros(n * shape.numHeads() * valueDim);
        KeyChoice choice = new KeyChoice(buffer(chosen), blocks);
        kernels.attention(buffer(q), n, before, shape, cache, choice, out);
        float[] found = read(out);
        double[] keys = Reference.stored(type, k);
        double[] values = Reference.stored(type, v);
        for (int unit = 0; unit < n * shape.numHeads(); unit++) {
            int head = unit % shape.numHeads();
            int token = unit / shape.numHeads();
            int kvHead = shape.keyHead(head);
            int list = token * blocks.numHeads() + (blocks.numHeads() == 1 ? 0 : kvHead);
            int[] positions = positions(chosen, list, blocks, before + token);
            AttentionShape ofHead = new AttentionShape(1, 1, dim, shape.scale(), 0)
                    .withValueDim(valueDim)
                    .withSinks(
                            shape.sinks() == null
                                    ? null
                                    : new AttentionSinks(
                                            new float[] {shape.sinks().logit(head)}));
            float[] query = Arrays.copyOfRange(q, unit * dim, (unit + 1) * dim);
            double[] expected = Reference.attention(
                    query,
                    positions.length - 1,
                    ofHead,
                    taken(keys, width, kvHead * dim, dim, positions),
                    taken(values, valueWidth, kvHead * valueDim, valueDim, positions));
            float[] ofUnit = Arrays.copyOfRange(found, unit * valueDim, (unit + 1) * valueDim);
            assertClose(expected, ofUnit, ATTENTION, type + ", " + shape + ", " + blocks + " at " + before);
        }
    }

    @Test
    void attendsToTheLatentsOfChosenPositions() {
        int[][] cases = {{20, 4, 6, 41, 250, 20, 30}, {3, 4, 8, 24, 1900, 2, 1200}, {1, 1, 2, 3, 3, 5, 2}};
        for (int[] c : cases) {
            LatentShape shape = new LatentShape(c[0], c[1], c[2], c[3], 0.05f);
            for (KvType type : KvType.values()) {
                attendsToLatents(type, shape, new KeyBlocks(1, c[6], 1), c[4], c[5]);
            }
        }
    }

    private void attendsToLatents(KvType type, LatentShape shape, KeyBlocks blocks, int before, int n) {
        float[] latents = floats((before + n) * shape.latentDim());
        float[] keys = floats((before + n) * shape.ropeDim());
        float[] absorbed = floats(n * shape.numHeads() * shape.latentDim());
        float[] q = floats(n * shape.numHeads() * shape.queryDim());
        LatentLayer cache = new LatentLayer(arena, type, before + n, shape.latentDim(), shape.ropeDim());
        kernels.storeLatents(buffer(latents), buffer(keys), before + n, 0, cache);
        float[] chosen = anyChoice(blocks, before, n);
        DeviceBuffer inPlace = buffer(absorbed);
        KeyChoice choice = new KeyChoice(buffer(chosen), blocks);
        kernels.latentAttention(inPlace, buffer(q), n, before, shape, cache, choice, inPlace);
        float[] found = read(inPlace);
        double[] stored = Reference.stored(type, latents);
        double[] storedKeys = Reference.stored(type, keys);
        for (int token = 0; token < n; token++) {
            int[] positions = positions(chosen, token, blocks, before + token);
            int width = shape.numHeads() * shape.latentDim();
            int queryWidth = shape.numHeads() * shape.queryDim();
            double[] expected = Reference.latentAttention(
                    Arrays.copyOfRange(absorbed, token * width, (token + 1) * width),
                    Arrays.copyOfRange(q, token * queryWidth, (token + 1) * queryWidth),
                    positions.length - 1,
                    shape,
                    taken(stored, shape.latentDim(), 0, shape.latentDim(), positions),
                    taken(storedKeys, shape.ropeDim(), 0, shape.ropeDim(), positions));
            float[] ofToken = Arrays.copyOfRange(found, token * width, (token + 1) * width);
            assertClose(expected, ofToken, ATTENTION, type + ", " + shape + ", token " + token);
        }
    }

    /// Returns choices of random blocks, a query's own among them.
    private float[] anyChoice(KeyBlocks blocks, int before, int n) {
        float[] chosen = new float[n * blocks.floats()];
        for (int list = 0; list < n * blocks.numHeads(); list++) {
            int position = before + list / blocks.numHeads();
            int begun = blocks.begun(position);
            int[] found = IntStream.concat(IntStream.of(begun - 1), random.ints(0, begun))
                    .distinct()
                    .limit(blocks.chosen(position))
                    .sorted()
                    .toArray();
            for (int i = 0; i < found.length; i++) {
                chosen[list * blocks.most() + i] = found[i];
            }
        }
        return chosen;
    }

    private static int[] positions(float[] chosen, int list, KeyBlocks blocks, int position) {
        int at = list * blocks.most();
        int[] positions = IntStream.range(0, blocks.chosen(position))
                .flatMap(i -> IntStream.range(0, blocks.length())
                        .map(inBlock -> ((int) chosen[at + i]) * blocks.length() + inBlock))
                .filter(key -> key <= position)
                .toArray();
        assertEquals(blocks.keys(position), positions.length);
        return positions;
    }

    /// Returns `length` elements from `from` on of some rows.
    private static double[] taken(double[] x, int width, int from, int length, int[] rows) {
        double[] taken = new double[rows.length * length];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(x, rows[i] * width + from, taken, i * length, length);
        }
        return taken;
    }

    @Test
    void refusesChoicesThatDoNotSuit() {
        DeviceBuffer x = zeros(400);
        IndexShape shape = new IndexShape(2, 8, new KeyBlocks(1, 4, 1));
        IndexLayer cache = new IndexLayer(arena, KvType.F16, 10, 8);
        IndexLayer other = new IndexLayer(arena, KvType.F16, 10, 4);
        assertRefused("a cache of index keys of 4 floats does not suit " + shape, () -> index(x, x, shape, other));
        assertRefused("no weights for " + shape, () -> index(x, null, shape, cache));
        assertRefused(
                "the cache holds 10 positions, but position 10 was stored",
                () -> kernels.storeIndexKeys(x, 1, 10, cache));
        KvLayer keys = new KvLayer(arena, KvType.F16, 10, 2, 8);
        kernels.storeKv(x, x, 1, 0, keys);
        AttentionShape attention = new AttentionShape(4, 2, 8, 1f, 0);
        KeyBlocks three = new KeyBlocks(3, 4, 16);
        assertRefused(
                three + " do not suit " + attention,
                () -> kernels.attention(x, 1, 0, attention, keys, new KeyChoice(x, three), x));
        AttentionShape sliding = new AttentionShape(4, 2, 8, 1f, 3);
        KeyBlocks two = new KeyBlocks(2, 4, 16);
        assertRefused(
                two + " do not suit " + sliding,
                () -> kernels.attention(x, 1, 0, sliding, keys, new KeyChoice(x, two), x));
        assertRefused(
                "the buffer holds 7 floats, but 8 are needed",
                () -> kernels.attention(x, 1, 0, attention, keys, new KeyChoice(zeros(7), two), x));
        LatentLayer latents = new LatentLayer(arena, KvType.F16, 10, 4, 4);
        kernels.storeLatents(x, x, 1, 0, latents);
        LatentShape ofLatents = new LatentShape(2, 4, 4, 4, 1f);
        assertRefused(
                two + " do not suit " + ofLatents,
                () -> kernels.latentAttention(x, x, 1, 0, ofLatents, latents, new KeyChoice(x, two), x));
        assertRefused("blocks of 3 keys do not divide 256", () -> new KeyBlocks(1, 1, 3));
        assertRefused("0 choices of 1 blocks", () -> new KeyBlocks(0, 1, 1));
        assertRefused("2 index heads do not suit " + three, () -> new IndexShape(2, 8, three));
    }

    private void index(DeviceBuffer x, @Nullable DeviceBuffer weights, IndexShape shape, IndexLayer cache) {
        kernels.storeIndexKeys(x, 1, 0, cache);
        kernels.chooseKeys(x, weights, 1, 0, shape, cache, x);
    }
}
