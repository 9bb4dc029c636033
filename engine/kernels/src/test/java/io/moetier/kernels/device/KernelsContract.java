package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What the operations of every device compute and refuse: each of them against [Reference].
///
/// Tolerances. What sums nothing and takes no exponential is exact: the same float operations in the same order on
/// every device. The others say theirs, in roundings of 2^-24 of the sum of absolute terms, or of the larger of the
/// value and 1.
///
/// A device whose kernels sum in another order, round activations or are too slow for large shapes says so in the
/// methods that a subclass may override; no operation and no type of weights may be left out.
public abstract class KernelsContract {
    private static final long SEED = 4711;
    private static final double ULP = 0x1p-24;

    /// An exponential is within 2 units, and what is computed from it within some more.
    private static final double EXPONENTIAL = 16 * ULP;

    /// Scores near ten are off by 1e-6 where they are summed in float32, and so is the exponential of them; a result is
    /// an average of values near 1.
    private static final double ATTENTION = 2e-5;

    /// States decay, so an error is that of the sums of a few dozen tokens of about the size of the result.
    private static final double RECURRENCE = 0x1p-16;

    private static final FfnActivation CLAMPED = new FfnActivation.ClampedSwiGlu(0.8f, 1.702f);

    private Random random;
    private Arena host;
    private Arena arena;
    private Kernels kernels;

    /// Returns the device, which the subclass opens and closes.
    protected abstract Device device();

    /// Returns rows, columns and numbers of tokens of products.
    protected int[][] products() {
        return new int[][] {
            {16, 32, 1},
            {40, 64, 2},
            {33, 96, 9},
            {5, 33, 7},
            {70, 544, 33},
            {24, 12, 2},
            {64, 1056, 1},
            {1, 256, 70},
            {17, 512, 200},
            {33, 768, 1},
            {18, 1280, 7},
            {17, 2, 3}
        };
    }

    /// Returns lengths of rows that are normalised.
    protected int[] widths() {
        return new int[] {1, 7, 32, 96, 131, 1023, 1024, 2050};
    }

    /// Returns texts: how many positions are before, and how many tokens follow.
    protected int[][] texts() {
        return new int[][] {{0, 1}, {0, 33}, {250, 40}, {600, 2}, {511, 1}, {2040, 10}};
    }

    /// Returns how many roundings of all terms a product may be off by; one is that of the exact sum.
    protected double roundings(DType dtype, int cols) {
        return cols / 32.0 + 34;
    }

    /// Returns what weights of a type are multiplied by: `x`, or what it is rounded to.
    protected double[] activations(DType dtype, float[] x) {
        return Reference.doubles(x);
    }

    @BeforeEach
    final void open() {
        random = new Random(SEED);
        host = Arena.ofShared();
        arena = device().newArena();
        kernels = device().kernels();
    }

    @AfterEach
    final void close() {
        arena.close();
        host.close();
    }

    private DeviceBuffer buffer(float... floats) {
        DeviceBuffer buffer = device().allocate(floats.length, arena);
        device().upload(floats, 0, floats.length, buffer, 0);
        return buffer;
    }

    private DeviceBuffer zeros(int length) {
        return device().allocate(length, arena);
    }

    private float[] read(DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device().download(buffer, 0, floats.length, floats, 0);
        return floats;
    }

    private float[] floats(int length) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = (float) random.nextGaussian();
        }
        return floats;
    }

    private float[] positive(int length) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = random.nextFloat();
        }
        return floats;
    }

    private WeightMatrix matrix(DType dtype, int rows, int cols) {
        return RandomWeights.pack(host, dtype, RandomWeights.rowMajor(host, dtype, rows, cols, random), rows, cols);
    }

    private WeightMatrix held(WeightMatrix matrix) {
        return device().hold(matrix, arena);
    }

    private WeightMatrix[] held(WeightMatrix... matrices) {
        return Stream.of(matrices).map(this::held).toArray(WeightMatrix[]::new);
    }

    private static int blocks(DType dtype, int least) {
        return Math.ceilDiv(least, dtype.blockElements()) * dtype.blockElements();
    }

    private static float[] rows(float[] x, int cols, int... rows) {
        float[] chosen = new float[rows.length * cols];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(x, rows[i] * cols, chosen, i * cols, cols);
        }
        return chosen;
    }

    /// @param relative of the larger of the expected value and 1
    private static void assertClose(double[] expected, float[] found, double relative, String what) {
        assertEquals(expected.length, found.length, what);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = relative * Math.max(1, Math.abs(expected[i]));
            assertEquals(expected[i], found[i], tolerance, SEED + ": " + what + " at " + i);
        }
    }

    private void assertProduct(WeightMatrix w, float[] x, float[] found, String what) {
        double[] weights = Reference.weights(w);
        double[] activations = activations(w.dtype(), x);
        double[] expected = Reference.product(weights, w.cols(), activations, false);
        double[] sizes = Reference.product(weights, w.cols(), activations, true);
        assertEquals(expected.length, found.length, what);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = (roundings(w.dtype(), w.cols()) + 1) * ULP * sizes[i];
            assertEquals(expected[i], found[i], tolerance, SEED + ": " + what + " at " + i);
        }
    }

    private Stream<DType> typesOf(int cols) {
        return Stream.of(DType.values()).filter(dtype -> cols % dtype.blockElements() == 0);
    }

    @Test
    void multipliesEveryTypeAndShape() {
        for (int[] shape : products()) {
            int n = shape[2];
            typesOf(shape[1]).forEach(dtype -> {
                WeightMatrix w = matrix(dtype, shape[0], shape[1]);
                float[] x = floats((n + 3) * w.cols());
                DeviceBuffer out = zeros((n + 3) * w.rows());
                kernels.matmul(held(w), buffer(x), 2, n, out, 1);
                float[] y = read(out);
                float[] used = Arrays.copyOfRange(x, 2 * w.cols(), (n + 2) * w.cols());
                String what = dtype + " " + w.rows() + " x " + w.cols() + " x " + n;
                assertProduct(w, used, Arrays.copyOfRange(y, w.rows(), (n + 1) * w.rows()), what);
                assertArrayEquals(new float[w.rows()], Arrays.copyOf(y, w.rows()), "before the output");
                float[] behind = Arrays.copyOfRange(y, (n + 1) * w.rows(), y.length);
                assertArrayEquals(new float[2 * w.rows()], behind, "after the output");
            });
        }
    }

    /// The first and the third are of one type.
    @Test
    void multipliesSeveralMatricesByTheSameRows() {
        WeightMatrix[] ws = {
            matrix(DType.BF16, 40, 96), matrix(DType.Q8_0, 64, 96), matrix(DType.BF16, 7, 96), matrix(DType.F32, 1, 96)
        };
        for (int n : new int[] {1, 3, 40}) {
            float[] x = floats(n * 96);
            DeviceBuffer[] outs = Stream.of(ws).map(w -> zeros(n * w.rows())).toArray(DeviceBuffer[]::new);
            kernels.matmul(held(ws), buffer(x), n, outs);
            for (int i = 0; i < ws.length; i++) {
                assertProduct(ws[i], x, read(outs[i]), "matrix " + i);
            }
        }
    }

    /// More heads than tasks come with one launch of a GPU, and two types of weights.
    @Test
    void multipliesEachHeadByItsMatrix() {
        int heads = 20;
        WeightMatrix[] ws = IntStream.range(0, heads)
                .mapToObj(h -> matrix(h % 3 == 2 ? DType.Q8_0 : DType.F32, 24, 32))
                .toArray(WeightMatrix[]::new);
        for (int n : new int[] {1, 3}) {
            float[] x = floats(n * heads * 40);
            DeviceBuffer out = zeros(n * heads * 24);
            kernels.matmulPerHead(held(ws), buffer(x), n, 40, out);
            float[] y = read(out);
            for (int unit = 0; unit < n * heads; unit++) {
                float[] own = Arrays.copyOfRange(x, unit * 40, unit * 40 + 32);
                float[] found = Arrays.copyOfRange(y, unit * 24, (unit + 1) * 24);
                assertProduct(ws[unit % heads], own, found, "head " + unit % heads);
            }
        }
    }

    @Test
    void multipliesListedRowsToListedPlaces() {
        for (DType dtype : new DType[] {DType.F32, DType.Q8_0, DType.MXFP4}) {
            WeightMatrix w = matrix(dtype, 20, 64);
            float[] x = floats(9 * 64);
            DeviceBuffer out = zeros(6 * 20);
            kernels.matmulRows(held(w), buffer(x), new int[] {99, 8, 3, 3, 1}, 1, 4, out, new int[] {99, 4, 0, 2, 5});
            float[] y = read(out);
            assertProduct(w, rows(x, 64, 8, 3, 3, 1), rows(y, 20, 4, 0, 2, 5), dtype.label());
            assertArrayEquals(new float[2 * 20], rows(y, 20, 1, 3), "no row goes there");
        }
    }

    /// Few tokens come with a launch of a GPU, and many are staged.
    @Test
    void embedsRowsExactly() {
        for (DType dtype : DType.values()) {
            WeightMatrix table = matrix(dtype, 50, blocks(dtype, 37));
            double[] weights = Reference.weights(table);
            int[] tokens = random.ints(70, 0, 50).toArray();
            for (int n : new int[] {1, 69}) {
                DeviceBuffer out = zeros(n * table.cols());
                kernels.embed(held(table), tokens, 1, n, out);
                float[] y = read(out);
                for (int i = 0; i < y.length; i++) {
                    int row = tokens[1 + i / table.cols()];
                    // the zeros of a type may have either sign
                    assertEquals(weights[row * table.cols() + i % table.cols()] + 0.0, y[i] + 0f, dtype.label());
                }
            }
        }
    }

    /// A sum of squares is positive: its relative error is that of its longest chain of additions, and so is that of a
    /// mean, of values near 1.
    @Test
    void normalises() {
        for (int cols : widths()) {
            double tolerance = 8 * (cols / 16.0 + 9) * ULP;
            float[] x = floats(9 * cols);
            float[] weight = floats(cols);
            float[] bias = floats(cols);
            DeviceBuffer inPlace = buffer(x);
            kernels.rmsNorm(inPlace, 9, cols, weight, 1e-5f, inPlace);
            assertClose(Reference.rmsNorm(x, cols, weight, 1e-5f), read(inPlace), tolerance, "RMS norm of " + cols);
            for (float @Nullable [] each : new float @Nullable [][] {bias, null}) {
                DeviceBuffer out = zeros(9 * cols);
                kernels.layerNorm(buffer(x), 9, cols, weight, each, 1e-5f, out);
                double[] expected = Reference.layerNorm(x, cols, weight, each, 1e-5f);
                assertClose(expected, read(out), tolerance, "layer norm of " + cols);
            }
        }
    }

    /// What belongs to rows of 35 and to lengths between rows, in a length that is no multiple of anything.
    @Test
    void computesElementByElement() {
        int length = 6 * 1735;
        float[] x = floats(length);
        float[] y = floats(length);
        float[] vector = floats(1735);
        DeviceBuffer a = buffer(x);
        DeviceBuffer b = buffer(y);
        DeviceBuffer c = zeros(length);
        kernels.add(a, b, length);
        kernels.addBias(a, 6, 1735, vector);
        kernels.clamp(a, 9000, 1.5f);
        kernels.multiply(a, b, 8999);
        kernels.combine(a, 0.5f, b, -2f, length, c);
        kernels.scale(c, 7001, 3);
        kernels.addScaled(b, 6, 1735, vector, c);
        kernels.copy(c, 5000, a);
        kernels.appendRows(b, 1, 1735, a, 5);
        kernels.clear(a, 3);
        float[] expected = new float[length];
        for (int i = 0; i < length; i++) {
            float sum = x[i] + y[i] + vector[i % 1735];
            float clamped = i < 9000 ? Math.min(Math.max(sum, -1.5f), 1.5f) : sum;
            float product = i < 8999 ? clamped * y[i] : clamped;
            float combined = (0.5f * product - 2f * y[i]) * (i < 7001 ? 3 : 1);
            float copied = i < 5000 ? combined + vector[i % 1735] * y[i] : product;
            expected[i] = i < 3 ? 0 : i < 5 * 1735 ? copied : y[i - 5 * 1735];
        }
        assertArrayEquals(expected, read(a), "seed " + SEED);
    }

    @Test
    void notANumberStaysOne() {
        DeviceBuffer x = buffer(1, Float.NaN, 5, Float.POSITIVE_INFINITY);
        kernels.clamp(x, 4, 2);
        assertArrayEquals(new float[] {1, Float.NaN, 2, 2}, read(x));
    }

    @Test
    void activates() {
        for (Activation activation : Activation.values()) {
            float[] x = floats(4001);
            for (int i = 0; i < 200; i++) {
                x[i] = i - 100;
            }
            System.arraycopy(new float[] {-1000, -0f, 1e-20f, 19.9f, 20.1f, 1000}, 0, x, 200, 6);
            DeviceBuffer inPlace = buffer(x);
            kernels.activate(inPlace, 4000, activation);
            float last = x[4000];
            double[] expected = IntStream.range(0, 4001)
                    .mapToDouble(i -> i == 4000 ? last : Reference.activated(activation, x[i]))
                    .toArray();
            assertClose(expected, read(inPlace), EXPONENTIAL, activation.toString());
        }
    }

    /// Few factors come with a launch of a GPU, many are staged. Nobody may have written rows of weight 0.
    @Test
    void weighsRowsInTheirOrder() {
        for (int k = 1; k <= 6; k++) {
            for (int n : new int[] {1, 3, 40}) {
                int cols = 37 + 1024 * (k % 2);
                float[] weights = floats(n * k);
                float[] rows = floats(n * k * cols);
                for (int i = 0; i < weights.length; i++) {
                    if (random.nextInt(3) == 0) {
                        weights[i] = 0;
                        Arrays.fill(rows, i * cols, (i + 1) * cols, Float.NaN);
                    }
                }
                DeviceBuffer sum = buffer(floats(n * cols));
                kernels.weightedSum(buffer(rows), weights, n, k, cols, sum);
                float[] expected = new float[n * cols];
                for (int i = 0; i < expected.length; i++) {
                    for (int j = i / cols * k; j < (i / cols + 1) * k; j++) {
                        expected[i] += weights[j] == 0 ? 0 : weights[j] * rows[j * cols + i % cols];
                    }
                }
                assertArrayEquals(expected, read(sum), SEED + ": " + n + " sums of " + k);
            }
        }
    }

    @Test
    void scalesRows() {
        for (int n : new int[] {2, 40}) {
            float[] x = floats(n * 37);
            float[] factors = floats(n * 3);
            DeviceBuffer out = zeros(n * 3 * 37 + 1);
            kernels.scaleRows(buffer(x), factors, n, 3, 37, out);
            DeviceBuffer inPlace = buffer(x);
            kernels.scaleRows(inPlace, factors, n, 1, 37, inPlace);
            float[] expected = new float[n * 3 * 37 + 1];
            for (int i = 0; i < n * 3 * 37; i++) {
                expected[i] = factors[i / 37] * x[i / (3 * 37) * 37 + i % 37];
            }
            float[] once = new float[n * 37];
            for (int i = 0; i < once.length; i++) {
                once[i] = factors[i / 37] * x[i];
            }
            assertArrayEquals(expected, read(out), "seed " + SEED);
            assertArrayEquals(once, read(inPlace), "seed " + SEED);
        }
    }

    @Test
    void addsRowsWithAndWithoutGates() {
        int cols = 1037;
        float[] x = floats(5 * cols);
        float[] before = floats(3 * cols);
        float[] gates = {-2, 0, 100};
        DeviceBuffer sum = buffer(before);
        kernels.addRows(buffer(x), 2, null, 3, cols, sum);
        float[] exact = new float[3 * cols];
        double[] gated = new double[3 * cols];
        for (int i = 0; i < exact.length; i++) {
            exact[i] = before[i] + x[2 * cols + i];
            gated[i] = exact[i] + x[cols + i] / (1 + Math.exp(-gates[i / cols]));
        }
        assertArrayEquals(exact, read(sum), "seed " + SEED);
        kernels.addRows(buffer(x), 1, buffer(gates), 3, cols, sum);
        assertClose(gated, read(sum), EXPONENTIAL, "gated rows");
    }

    @Test
    void copiesListedRows() {
        float[] x = floats(6 * 5);
        DeviceBuffer out = zeros(8 * 5);
        kernels.copyRows(buffer(x), new int[] {99, 5, 0, 3}, new int[] {99, 1, 7, 2}, 1, 3, 5, out);
        float[] y = read(out);
        assertArrayEquals(rows(x, 5, 5, 0, 3), rows(y, 5, 1, 7, 2));
        assertArrayEquals(new float[5 * 5], rows(y, 5, 0, 3, 4, 5, 6));
    }

    /// Angles are rounded to float32 once.
    @Test
    void rotatesHeads() {
        for (boolean interleaved : new boolean[] {false, true}) {
            RopeTable table = RopeTable.of(8, 10000, interleaved, Optional.empty());
            for (int from : new int[] {0, 2}) {
                float[] x = floats(3 * 2 * 11);
                DeviceBuffer inPlace = buffer(x);
                kernels.rope(inPlace, 3, 2, 11, from, 100, table);
                double[] expected = Reference.rope(x, 2, 11, from, 100, 8, interleaved);
                assertClose(expected, read(inPlace), 1e-6, "rotation, interleaved: " + interleaved);
            }
        }
    }

    private List<AttentionShape> attentionShapes() {
        return List.of(
                new AttentionShape(6, 2, 32, 0.2f, 0),
                new AttentionShape(4, 4, 7, 0.3f, 5),
                new AttentionShape(4, 2, 80, 0.1f, 45).withSinks(new AttentionSinks(floats(4))),
                new AttentionShape(6, 3, 16, 0.2f, 0).withChunk(40).withTiledHeads(),
                new AttentionShape(2, 1, 128, 0.1f, 600).withSinks(new AttentionSinks(floats(2))),
                new AttentionShape(3, 1, 20, 0.2f, 0).withChunk(130),
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
        float[] k = floats((before + n) * width);
        float[] v = floats((before + n) * width);
        float[] q = floats(n * shape.numHeads() * shape.headDim());
        KvLayer cache = new KvLayer(arena, type, before + n, shape.numKvHeads(), shape.headDim());
        kernels.storeKv(buffer(k), buffer(v), before, 0, cache);
        kernels.storeKv(
                buffer(Arrays.copyOfRange(k, before * width, k.length)),
                buffer(Arrays.copyOfRange(v, before * width, v.length)),
                n,
                before,
                cache);
        DeviceBuffer out = zeros(q.length);
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
        for (int headDim : new int[] {8, 5}) {
            SequenceShape open = new SequenceShape(3, headDim, 0.3f, false, 0);
            sequence(new SequenceShape(3, headDim, 0.3f, true, 4), floats(3 * 9), 5, 9, 14);
            sequence(open, null, 3, 0, 20);
            sequence(open, null, 1, 0, 1100);
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

    /// [ExpertChoice] is the definition; `ExpertChoiceTest` and `RoutersTest` are about rules and ties.
    @Test
    void routesByLogits() {
        float[] logits = floats(5 * 16);
        float[] correction = floats(16);
        for (float @Nullable [] each : new float @Nullable [][] {correction, null}) {
            Routing routing = Routing.softmax(16, 4).scoredBy(Routing.Score.SIGMOID);
            int[] ids = new int[5 * 4];
            float[] weights = new float[5 * 4];
            kernels.route(buffer(logits), 5, routing, each, ids, weights);
            int[] expectedIds = new int[4];
            float[] expected = new float[4];
            for (int t = 0; t < 5; t++) {
                new ExpertChoice().choose(routing, logits, t * 16, each, expectedIds, expected, 0);
                assertArrayEquals(expectedIds, Arrays.copyOfRange(ids, t * 4, (t + 1) * 4));
                assertArrayEquals(expected, Arrays.copyOfRange(weights, t * 4, (t + 1) * 4));
            }
        }
    }

    /// The weights are within two roundings: a device may sum the scores of experts in another order.
    @Test
    void routesWhatIsMultiplied() {
        WeightMatrix router = matrix(DType.F32, 16, 96);
        WeightMatrix beside = matrix(DType.BF16, 1, 96);
        float[] bias = floats(16);
        Routing routing = Routing.softmax(16, 4);
        for (int n : new int[] {1, 5}) {
            float[] x = floats(n * 96);
            DeviceBuffer[] outs = {zeros(n * 16), zeros(n)};
            ExpertChoices choices = new ExpertChoices(zeros(ExpertChoices.floats(n * 4)));
            WeightMatrix[] maps = {held(router), held(beside)};
            kernels.route(
                    new RouterWeights(maps, new float[][] {bias, null}, routing, null), buffer(x), n, outs, choices);
            float[] logits = read(outs[0]);
            double[] product = Reference.product(Reference.weights(router), 96, Reference.doubles(x), false);
            for (int i = 0; i < product.length; i++) {
                product[i] += bias[i % 16];
            }
            assertClose(product, logits, 1e-5, "logits");
            assertProduct(beside, x, read(outs[1]), "what is beside the router");
            float[] expected = new float[n * 4];
            int[] ids = new int[n * 4];
            for (int t = 0; t < n; t++) {
                new ExpertChoice().choose(routing, logits, t * 16, null, ids, expected, t * 4);
            }
            assertArrayEquals(ids, choices.ids());
            assertClose(Reference.doubles(expected), choices.weights(), 2 * ULP, "weights");
            float[] rows = floats(n * 4 * 3);
            DeviceBuffer sum = zeros(n * 3);
            kernels.weightedSum(buffer(rows), choices, n, 4, 3, sum);
            DeviceBuffer same = zeros(n * 3);
            kernels.weightedSum(buffer(rows), choices.weights(), n, 4, 3, same);
            assertArrayEquals(read(same), read(sum), "the weights of the host are those of the device");
        }
    }

    @Test
    void findsTheLargest() {
        for (int[] c : new int[][] {{0, 5, 2}, {1, 1, 0}, {40, 40, 3}, {4096, 1, 0}, {4097, 40, 1}, {9000, 256, 0}}) {
            int n = c[0];
            float[] x = floats(c[2] + n);
            for (int i = 0; i < x.length; i += 7) {
                x[i] = Math.round(x[i]); // so that some are equal
            }
            if (n > 1) {
                x[c[2]] = Float.NEGATIVE_INFINITY;
                x[c[2] + n - 1] = n % 2 == 0 ? -Float.NaN : Float.POSITIVE_INFINITY;
            }
            Largest found = new Largest();
            kernels.largest(buffer(x), c[2], n, c[1], found);
            int[] expected = Reference.largest(Arrays.copyOfRange(x, c[2], c[2] + n), c[1]);
            assertArrayEquals(
                    expected, IntStream.range(0, found.size()).map(found::index).toArray(), n + " numbers");
            for (int i = 0; i < expected.length; i++) {
                assertEquals(x[c[2] + expected[i]] + 0f, found.value(i));
            }
        }
    }

    /// An expert in main memory, with or without biases.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record HostExpert(
            FfnActivation activation, WeightMatrix gate, WeightMatrix up, WeightMatrix down, float @Nullable [] bias) {}

    private HostExpert expert(FfnActivation activation, DType gate, DType up, DType down, int width, boolean biased) {
        return new HostExpert(
                activation,
                matrix(gate, width, 256),
                matrix(up, width, 256),
                matrix(down, 256, width),
                biased ? floats(Math.max(width, 256)) : null);
    }

    private ExpertWeights held(HostExpert expert) {
        boolean gated = expert.activation.isGated();
        return new ExpertWeights(
                expert.activation,
                gated ? held(expert.gate) : null,
                held(expert.up),
                held(expert.down),
                gated ? bias(expert, expert.gate.rows()) : null,
                bias(expert, expert.up.rows()),
                bias(expert, 256));
    }

    private @Nullable MemorySegment bias(HostExpert expert, int length) {
        float[] bias = expert.bias;
        return bias == null ? null : device().hold(MemorySegment.ofArray(Arrays.copyOf(bias, length)), arena);
    }

    private double[] expected(HostExpert expert, float[] x) {
        double[] gates =
                Reference.product(Reference.weights(expert.gate), 256, activations(expert.gate.dtype(), x), false);
        double[] ups = Reference.product(Reference.weights(expert.up), 256, activations(expert.up.dtype(), x), false);
        float[] hidden = new float[ups.length];
        for (int i = 0; i < hidden.length; i++) {
            float bias = expert.bias == null ? 0 : expert.bias[i];
            hidden[i] = (float) Reference.gated(expert.activation, gates[i] + bias, ups[i] + bias);
        }
        double[] out = Reference.product(
                Reference.weights(expert.down), hidden.length, activations(expert.down.dtype(), hidden), false);
        for (int i = 0; i < out.length && expert.bias != null; i++) {
            out[i] += expert.bias[i];
        }
        return out;
    }

    /// Two sums of up to 256 terms, the second over results of the first, and an exponential: 2e-5 is 330 roundings of
    /// the largest result. An activation that is rounded to a 127th of the largest of its block may go to the other
    /// neighbour where it is almost between two.
    private void assertExperts(List<HostExpert> experts, int[] starts, int[] rows, int[] outRows, String what) {
        float[] x = floats(5 * 256);
        ExpertBatch batch = new ExpertBatch();
        batch.begin(rows, outRows, 5);
        for (int e = 0; e < experts.size(); e++) {
            batch.add(held(experts.get(e)), starts[e], starts[e + 1] - starts[e]);
        }
        DeviceBuffer out = zeros((outRows.length + 1) * 256);
        kernels.expertFfn(batch, buffer(x), out);
        float[] y = read(out);
        for (int e = 0; e < experts.size(); e++) {
            HostExpert expert = experts.get(e);
            boolean rounds =
                    isRounded(expert.gate.dtype()) || isRounded(expert.up.dtype()) || isRounded(expert.down.dtype());
            for (int i = starts[e]; i < starts[e + 1]; i++) {
                double[] expected = expected(expert, rows(x, 256, rows[i]));
                double tolerance = (rounds ? 4e-3 : 2e-5) * Math.max(1, Reference.largestOf(expected));
                for (int d = 0; d < 256; d++) {
                    assertEquals(expected[d], y[outRows[i] * 256 + d], tolerance, SEED + ": " + what + ", expert " + e);
                }
            }
        }
        assertArrayEquals(new float[256], Arrays.copyOfRange(y, outRows.length * 256, y.length), "no row goes there");
    }

    private boolean isRounded(DType dtype) {
        float[] x = new float[blocks(dtype, 64)];
        x[0] = 1;
        x[1] = 1e-3f;
        return !Arrays.equals(Reference.doubles(x), activations(dtype, x));
    }

    @Test
    void computesExpertsOfEveryTypeAndActivation() {
        for (DType dtype : DType.values()) {
            List<HostExpert> experts = List.of(
                    expert(FfnActivation.SWIGLU, dtype, dtype, dtype, 256, false),
                    expert(CLAMPED, dtype, dtype, dtype, 256, true),
                    expert(FfnActivation.GEGLU, dtype, dtype, dtype, 256, true),
                    expert(FfnActivation.RELU, dtype, dtype, dtype, 256, true));
            int[] rows = {4, 0, 1, 2, 3, 4, 0, 1, 2};
            int[] outRows = {0, 8, 1, 2, 7, 6, 5, 4, 3};
            assertExperts(experts, new int[] {0, 1, 3, 4, 9}, rows, outRows, dtype.label());
        }
    }

    /// Types and widths differ between the experts of a batch, and between the matrices of one.
    @Test
    void computesExpertsOfSeveralKinds() {
        List<HostExpert> experts = List.of(
                expert(FfnActivation.SWIGLU, DType.Q8_0, DType.Q8_0, DType.Q4_0, 64, false),
                expert(FfnActivation.SWIGLU, DType.BF16, DType.Q8_0, DType.F32, 33, true),
                expert(FfnActivation.SWIGLU, DType.Q5_0, DType.Q5_0, DType.Q4_1, 32, true),
                expert(FfnActivation.SWIGLU, DType.Q8_0, DType.Q8_0, DType.Q8_0, 96, false));
        int[] rows = {0, 1, 0, 1, 2, 2, 0, 1};
        assertExperts(experts, new int[] {0, 2, 5, 7, 8}, rows, new int[] {0, 1, 2, 3, 4, 5, 6, 7}, "kinds");
    }

    /// More experts than tasks come with one launch of a GPU.
    @Test
    void computesManyExperts() {
        List<HostExpert> experts = IntStream.range(0, 20)
                .mapToObj(e -> expert(FfnActivation.SWIGLU, DType.F16, DType.F16, DType.F16, 16, false))
                .toList();
        int[] starts = IntStream.rangeClosed(0, 20).toArray();
        int[] outRows = IntStream.range(0, 20).map(i -> 19 - i).toArray();
        assertExperts(experts, starts, new int[20], outRows, "many");
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
        for (boolean delta : new boolean[] {false, true}) {
            LinearAttentionShape shape = new LinearAttentionShape(2, 6, 12, 20, delta);
            float[] k = floats(9 * 2 * 12);
            for (int i = 0; i < k.length; i++) {
                k[i] *= 0.1f;
            }
            float[][] qkv = {floats(9 * 2 * 12), k, floats(9 * 6 * 20)};
            float[] rates = positive(6);
            float[] step = positive(9 * 6);
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
            DeviceBuffer steps = step == null ? null : piece(step, from, n, 6);
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

    @Test
    void nothingIsDoneForNoRows() {
        DeviceBuffer x = buffer(1, 2, 3, 4);
        WeightMatrix w = held(matrix(DType.F32, 4, 4));
        float[] four = {1, 1, 1, 1};
        int[] none = {};
        KvLayer cache = new KvLayer(arena, KvType.F16, 4, 1, 4);
        LatentLayer latents = new LatentLayer(arena, KvType.F16, 4, 2, 2);
        LinearAttentionShape linear = new LinearAttentionShape(1, 1, 2, 2, false);
        kernels.embed(w, none, 0, 0, x);
        kernels.rmsNorm(x, 0, 4, four, 1, x);
        kernels.layerNorm(x, 0, 4, four, null, 1, x);
        kernels.matmul(w, x, 0, x);
        kernels.matmul(new WeightMatrix[] {w}, x, 0, new DeviceBuffer[] {x});
        kernels.matmulPerHead(new WeightMatrix[] {w}, x, 0, 4, x);
        kernels.matmulRows(w, x, none, 0, 0, x, none);
        kernels.addBias(x, 0, 4, four);
        kernels.clamp(x, 0, 0);
        kernels.copy(x, 0, x);
        kernels.copyRows(x, none, none, 0, 0, 4, x);
        kernels.appendRows(x, 0, 4, x, 1);
        kernels.scale(x, 0, 0);
        kernels.scaleRows(x, four, 0, 1, 4, x);
        kernels.combine(x, 2, x, 2, 0, x);
        kernels.add(x, x, 0);
        kernels.rope(x, 0, 1, 4, 0, 0, RopeTable.of(4, 10000, false, Optional.empty()));
        kernels.storeKv(x, x, 0, 0, cache);
        kernels.attention(x, 0, 0, new AttentionShape(1, 1, 4, 1, 0), cache, x);
        kernels.storeLatents(x, x, 0, 0, latents);
        kernels.latentAttention(x, x, 0, 0, new LatentShape(1, 1, 2, 2, 1), latents, x);
        kernels.sequenceAttention(x, 0, 0, x, x, 1, new SequenceShape(1, 4, 1, false, 0), null, x);
        kernels.route(x, 0, Routing.softmax(4, 1), null, none, new float[0]);
        ExpertChoices choices = new ExpertChoices(x);
        RouterWeights router = new RouterWeights(new WeightMatrix[] {w}, new float[1][], Routing.softmax(4, 1), null);
        kernels.route(router, x, 0, new DeviceBuffer[] {x}, choices);
        Largest largest = new Largest();
        kernels.largest(x, 0, 0, 3, largest);
        kernels.expertFfn(new ExpertBatch(), x, x);
        kernels.weightedSum(x, four, 0, 1, 4, x);
        kernels.weightedSum(x, choices, 0, 1, 4, x);
        kernels.addRows(x, 1, null, 0, 4, x);
        kernels.clear(x, 0);
        kernels.multiply(x, x, 0);
        kernels.activate(x, 0, Activation.SILU);
        kernels.addScaled(x, 0, 4, four, x);
        kernels.causalConvolution(x, 0, 4, four, null, x);
        kernels.selectiveScan(x, x, x, x, 0, 4, four, x, x);
        kernels.linearAttention(x, x, x, null, null, new float[1], 0, linear, x, x);
        assertArrayEquals(new float[] {1, 2, 3, 4}, read(x));
        assertEquals(0, largest.size());
    }

    private static void assertRefused(String message, Executable call) {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, call);
        assertEquals(message, thrown.getMessage());
    }

    @Test
    void refusesBuffersThatAreTooShort() {
        DeviceBuffer x = zeros(4);
        DeviceBuffer y = zeros(3);
        WeightMatrix w = held(matrix(DType.F32, 2, 4));
        String three = "the buffer holds 3 floats, but 4 are needed";
        for (Executable each : new Executable[] {
            () -> kernels.add(x, y, 4),
            () -> kernels.add(y, x, 4),
            () -> kernels.multiply(x, y, 4),
            () -> kernels.combine(x, 1, x, 1, 4, y),
            () -> kernels.copy(x, 4, y),
            () -> kernels.clear(y, 4),
            () -> kernels.scale(y, 4, 2),
            () -> kernels.clamp(y, 4, 2),
            () -> kernels.activate(y, 4, Activation.SILU),
            () -> kernels.rmsNorm(x, 2, 2, new float[2], 1, y),
            () -> kernels.layerNorm(y, 2, 2, new float[2], null, 1, x),
            () -> kernels.addBias(y, 1, 4, new float[4]),
            () -> kernels.addScaled(x, 1, 4, new float[4], y),
            () -> kernels.addRows(x, 0, null, 2, 2, y),
            () -> kernels.scaleRows(x, new float[1], 1, 1, 4, y),
            () -> kernels.weightedSum(x, new float[1], 1, 1, 4, y),
            () -> kernels.matmul(w, y, 1, x),
            () -> kernels.matmul(new WeightMatrix[] {w}, y, 1, new DeviceBuffer[] {x}),
            () -> kernels.matmulRows(w, x, new int[1], 0, 1, y, new int[] {1}),
            () -> kernels.copyRows(x, new int[1], new int[] {1}, 0, 1, 2, y),
            () -> kernels.route(y, 1, Routing.softmax(4, 1), null, new int[1], new float[1]),
            () -> kernels.causalConvolution(x, 1, 4, new float[4], null, y),
            () -> kernels.embed(w, new int[1], 0, 1, y)
        }) {
            assertRefused(three, each);
        }
        assertRefused("the buffer holds 4 floats, but 8 are needed", () -> kernels.matmul(w, x, 1, 1, x, 0));
        assertRefused("the buffer holds 4 floats, but 6 are needed", () -> kernels.appendRows(y, 1, 3, x, 1));
        assertRefused("the buffer holds 4 floats, but 5 are needed", () -> kernels.largest(x, 2, 3, 1, new Largest()));
        assertRefused("there are no -1 floats from number 0 on", () -> kernels.clear(x, -1));
        assertRefused("there are no 4 floats from number -4 on", () -> kernels.matmul(w, x, -1, 1, x, 0));
        assertRefused("-1 rows of 4 floats", () -> kernels.rmsNorm(x, -1, 4, new float[4], 1, x));
    }

    @Test
    void refusesBuffersOfOthers() {
        DeviceBuffer other = new DeviceBuffer() {
            @Override
            public int length() {
                return 4;
            }

            @Override
            public String toString() {
                return "somebody's buffer";
            }
        };
        DeviceBuffer own = zeros(4);
        String message = "the buffer belongs to another device: somebody's buffer";
        assertRefused(message, () -> kernels.clear(other, 4));
        assertRefused(message, () -> kernels.add(own, other, 4));
        assertRefused(message, () -> kernels.rmsNorm(own, 1, 4, new float[4], 1, other));
    }

    @Test
    void refusesShapesThatDoNotSuitEachOther() {
        DeviceBuffer x = zeros(400);
        WeightMatrix narrow = held(matrix(DType.F32, 16, 32));
        WeightMatrix wide = held(matrix(DType.F32, 16, 64));
        WeightMatrix quantised = held(matrix(DType.Q8_0, 16, 32));
        KvLayer cache = new KvLayer(arena, KvType.F16, 10, 1, 8);
        LatentLayer latents = new LatentLayer(arena, KvType.F16, 10, 64, 8);
        LatentShape ofLatents = new LatentShape(2, 4, 16, 64, 1f);
        LinearAttentionShape linear = new LinearAttentionShape(1, 2, 4, 4, false);
        assertRefused("a norm of 4 columns has 3 weights", () -> kernels.rmsNorm(x, 1, 4, new float[3], 1, x));
        assertRefused("3 factors for 4 columns", () -> kernels.addScaled(x, 1, 4, new float[3], x));
        assertRefused("3 biases for 4 columns", () -> kernels.addBias(x, 1, 4, new float[3]));
        assertRefused("2 tokens with 3 rows each have 5 factors", () -> kernels.scaleRows(x, new float[5], 2, 3, 4, x));
        assertRefused(
                "2 tokens with 3 rows each have 5 factors", () -> kernels.weightedSum(x, new float[5], 2, 3, 4, x));
        assertRefused(
                "matrix 1, 16 x 64, beside one of 16 x 32",
                () -> kernels.matmul(new WeightMatrix[] {narrow, wide}, x, 1, new DeviceBuffer[] {x, x}));
        assertRefused(
                "1 matrices with 0 outputs",
                () -> kernels.matmul(new WeightMatrix[] {narrow}, x, 1, new DeviceBuffer[0]));
        assertRefused(
                "a matrix of 16 x 32 beside one of 16 x 32, for heads of 31 floats",
                () -> kernels.matmulPerHead(new WeightMatrix[] {narrow}, x, 1, 31, x));
        assertRefused(
                "heads of 33 floats, where weights of q8_0 need a multiple of 4",
                () -> kernels.matmulPerHead(new WeightMatrix[] {quantised}, x, 1, 33, x));
        assertRefused("there is no row -1", () -> kernels.copyRows(x, new int[] {-1}, new int[1], 0, 1, 4, x));
        assertRefused(
                "2 numbers from number 0 on, of a list of 1",
                () -> kernels.matmulRows(narrow, x, new int[1], 0, 2, x, new int[2]));
        assertRefused("token 16 of a table of 16 rows", () -> kernels.embed(narrow, new int[] {16}, 0, 1, x));
        assertRefused(
                "heads of 8 floats have no 8 to rotate from number 1 on",
                () -> kernels.rope(x, 1, 1, 8, 1, 0, RopeTable.of(8, 10000, false, Optional.empty())));
        assertRefused("1 tokens from position -1 on", () -> kernels.storeKv(x, x, 1, -1, cache));
        assertRefused(
                "the cache holds 10 positions, but position 10 was stored", () -> kernels.storeKv(x, x, 1, 10, cache));
        assertRefused(
                "the cache holds 10 positions, but position 10 is read",
                () -> kernels.attention(x, 1, 10, new AttentionShape(1, 1, 8, 1, 0), cache, x));
        assertThrows(
                IllegalStateException.class,
                () -> kernels.attention(x, 1, 0, new AttentionShape(1, 1, 8, 1, 0), cache, x));
        assertThrows(
                IllegalArgumentException.class,
                () -> kernels.attention(x, 1, 0, new AttentionShape(4, 2, 8, 1, 0), cache, x));
        assertRefused(
                "the cache holds 10 positions, but position 10 was stored",
                () -> kernels.storeLatents(x, x, 1, 10, latents));
        assertThrows(IllegalArgumentException.class, () -> kernels.latentAttention(x, x, 1, 0, ofLatents, latents, x));
        assertRefused(
                "1 tokens choose 4 experts each, with room for 3",
                () -> kernels.route(x, 1, Routing.softmax(16, 4), null, new int[3], new float[4]));
        assertRefused(
                "3 corrections for 16 columns",
                () -> kernels.route(x, 1, Routing.softmax(16, 4), new float[3], new int[4], new float[4]));
        assertRefused("the 0 largest, where 1 to 256 can be found", () -> kernels.largest(x, 0, 9, 0, new Largest()));
        assertRefused(
                "the 257 largest, where 1 to 256 can be found", () -> kernels.largest(x, 0, 9, 257, new Largest()));
        assertRefused(
                "a convolution of 8 channels has 12 taps",
                () -> kernels.causalConvolution(x, 1, 8, new float[12], null, x));
        assertRefused("9 rates for 8 channels", () -> kernels.selectiveScan(x, x, x, x, 1, 8, new float[9], x, x));
        assertRefused(
                "1 rates do not suit " + linear,
                () -> kernels.linearAttention(x, x, x, null, null, new float[1], 1, linear, x, x));
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
