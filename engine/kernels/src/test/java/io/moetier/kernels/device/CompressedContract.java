package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.CompressedShape.Pooling;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What every device computes of compressed attention and of several residual streams.
abstract class CompressedContract extends ChoiceContract {
    /// As of other attention.
    private static final double ATTENTION = 2e-5;

    /// Sums of a few dozen terms near 1, by weights that are off by a unit in the last place or two.
    private static final double SUMS = 1e-5;

    @Test
    void attendsToTheLastPositionsAndToEntries() {
        for (int[] c : new int[][] {
            {20, 32, 5, 4, 3}, {3, 7, 130, 8, 0}, {1, 24, 1, 3, 40}, {17, 512, 20, 128, 2}, {4, 16, 9, 0, 0}
        }) {
            CompressedShape plain = CompressedShape.of(c[0], c[1], 0.2f, null, c[2], c[3]);
            CompressedShape shape = CompressedShape.of(c[0], c[1], 0.2f, new AttentionSinks(floats(c[0])), c[2], c[3]);
            KeyBlocks blocks = c[4] == 0 ? null : new KeyBlocks(1, c[4], 1, c[3]);
            for (int[] text : texts()) {
                for (KvType type : KvType.values()) {
                    attends(type, shape, blocks, text[0], text[1]);
                }
            }
            attends(KvType.F32, plain, blocks, 30, 5);
        }
    }

    private void attends(KvType type, CompressedShape shape, @Nullable KeyBlocks blocks, int before, int n) {
        int dim = shape.headDim();
        int last = before + n - 1;
        float[] rows = floats((before + n) * dim);
        float[] made = floats(Math.max(1, shape.entries(last)) * dim);
        float[] q = floats(n * shape.numHeads() * dim);
        LatentLayer recent = new LatentLayer(arena, type, before + n, dim, 0);
        kernels.storeLatents(buffer(rows), buffer(rows), before + n, 0, recent);
        LatentLayer entries = shape.rate() == 0 ? null : new LatentLayer(arena, type, made.length / dim, dim, 0);
        if (entries != null) {
            kernels.storeLatents(buffer(made), buffer(made), shape.entries(last), 0, entries);
        }
        float[] chosen = blocks == null ? new float[1] : chosen(blocks, before, n);
        KeyChoice choice = blocks == null ? null : new KeyChoice(buffer(chosen), blocks);
        DeviceBuffer out = zeros(q.length);
        kernels.compressedAttention(buffer(q), n, before, shape, recent, entries, choice, out);
        float[] found = read(out);
        double[] stored = Reference.stored(type, rows);
        double[] storedEntries = Reference.stored(type, made);
        for (int unit = 0; unit < n * shape.numHeads(); unit++) {
            int token = unit / shape.numHeads();
            int position = before + token;
            int[] read = blocks == null
                    ? IntStream.range(0, shape.entries(position)).toArray()
                    : IntStream.range(0, blocks.chosen(position))
                            .map(i -> (int) chosen[token * blocks.most() + i])
                            .toArray();
            double[] seen = rows(storedEntries, read, stored, position + 1 - shape.recent(position), position, dim);
            AttentionSinks sinks = shape.rows().sinks();
            double sink = sinks == null ? Double.NEGATIVE_INFINITY : sinks.logit(unit % shape.numHeads());
            double[] expected = attention(q, unit * dim, seen, shape.rows().scale(), sink, dim);
            float[] ofUnit = Arrays.copyOfRange(found, unit * dim, (unit + 1) * dim);
            assertClose(expected, ofUnit, ATTENTION, type + ", " + shape + ", " + blocks + " at " + position);
        }
    }

    private float[] chosen(KeyBlocks blocks, int before, int n) {
        float[] chosen = new float[n * blocks.most()];
        for (int token = 0; token < n; token++) {
            int begun = blocks.begun(before + token);
            int[] found = begun == 0
                    ? new int[0]
                    : random.ints(0, begun)
                            .distinct()
                            .limit(blocks.chosen(before + token))
                            .sorted()
                            .toArray();
            for (int i = 0; i < found.length; i++) {
                chosen[token * blocks.most() + i] = found[i];
            }
        }
        return chosen;
    }

    private static double[] rows(double[] entries, int[] read, double[] positions, int first, int last, int dim) {
        double[] rows = new double[(read.length + last - first + 1) * dim];
        for (int i = 0; i < read.length; i++) {
            System.arraycopy(entries, read[i] * dim, rows, i * dim, dim);
        }
        System.arraycopy(positions, first * dim, rows, read.length * dim, (last - first + 1) * dim);
        return rows;
    }

    private static double[] attention(float[] q, int at, double[] rows, float scale, double sink, int dim) {
        double[] weights = new double[rows.length / dim];
        double total = Math.exp(sink);
        for (int row = 0; row < weights.length; row++) {
            double score = 0;
            for (int d = 0; d < dim; d++) {
                score += q[at + d] * rows[row * dim + d];
            }
            weights[row] = Math.exp(score * scale);
            total += weights[row];
        }
        double[] out = new double[dim];
        for (int row = 0; row < weights.length; row++) {
            for (int d = 0; d < dim; d++) {
                out[d] += weights[row] / total * rows[row * dim + d];
            }
        }
        return out;
    }

    @Test
    void choosesAmongCompleteEntries() {
        IndexShape shape = new IndexShape(3, 20, new KeyBlocks(1, 7, 1, 4));
        for (int[] text : texts()) {
            int n = text[1];
            int last = text[0] + n - 1;
            float[] keys = floats(Math.max(1, shape.blocks().seen(last)) * shape.dim());
            float[] q = floats(n * shape.numHeads() * shape.dim());
            float[] weights = floats(n * shape.numHeads());
            IndexLayer cache = new IndexLayer(arena, KvType.F32, keys.length / shape.dim(), shape.dim());
            kernels.storeIndexKeys(buffer(keys), shape.blocks().seen(last), 0, cache);
            DeviceBuffer out = zeros(n * shape.blocks().floats());
            kernels.chooseKeys(buffer(q), buffer(weights), n, text[0], shape, cache, out);
            float[] found = read(out);
            for (int token = 0; token < n; token++) {
                int position = text[0] + token;
                double[] scores =
                        Reference.indexScores(q, weights, token, position, shape, Reference.stored(KvType.F32, keys));
                int at = token * shape.blocks().most();
                float[] chosen =
                        Arrays.copyOfRange(found, at, at + shape.blocks().chosen(position));
                assertLargest(scores, chosen, shape + ", " + position);
            }
        }
    }

    @Test
    void compressesPositions() {
        for (Pooling shape : List.of(new Pooling(130, 4, true), new Pooling(20, 3, false), new Pooling(5, 1, true))) {
            for (int[] pieces : new int[][] {{14}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {3, 0, 6, 5}}) {
                compresses(shape, pieces);
            }
        }
    }

    private void compresses(Pooling shape, int[] pieces) {
        int n = IntStream.of(pieces).sum();
        int width = shape.width();
        float[] values = floats(n * width);
        float[] gates = floats(n * width);
        float[] places = floats(shape.rate() * width);
        DeviceBuffer state = zeros(shape.state());
        float[] found = new float[shape.entries(n) * shape.dim()];
        int from = 0;
        for (int piece : pieces) {
            int count = shape.entries(from + piece) - shape.entries(from);
            DeviceBuffer out = zeros(Math.max(1, count * shape.dim()));
            kernels.compress(
                    buffer(Arrays.copyOfRange(values, from * width, (from + Math.max(1, piece)) * width)),
                    buffer(Arrays.copyOfRange(gates, from * width, (from + Math.max(1, piece)) * width)),
                    places,
                    piece,
                    from,
                    shape,
                    state,
                    out);
            System.arraycopy(read(out), 0, found, shape.entries(from) * shape.dim(), count * shape.dim());
            from += piece;
        }
        assertClose(entries(values, gates, places, shape), found, SUMS, shape + " in " + pieces.length);
    }

    private static double[] entries(float[] values, float[] gates, float[] places, Pooling shape) {
        int count = shape.entries(values.length / shape.width());
        double[] out = new double[count * shape.dim()];
        for (int element = 0; element < out.length; element++) {
            int entry = element / shape.dim();
            int d = element % shape.dim();
            double total = 0;
            double sum = 0;
            int first = shape.overlaps() ? Math.max(0, (entry - 1) * shape.rate()) : entry * shape.rate();
            for (int position = first; position < (entry + 1) * shape.rate(); position++) {
                boolean own = position >= entry * shape.rate();
                int at = (own && shape.overlaps() ? shape.dim() : 0) + d;
                double gate =
                        gates[position * shape.width() + at] + places[position % shape.rate() * shape.width() + at];
                total += Math.exp(gate);
                sum += Math.exp(gate) * values[position * shape.width() + at];
            }
            out[element] = sum / total;
        }
        return out;
    }

    @Test
    void connectsResidualStreams() {
        for (int[] c : new int[][] {{4, 20, 70, 5}, {8, 3, 300, 1}, {1, 1, 4, 9}, {3, 0, 40, 7}}) {
            connects(c[0], c[1], c[2], c[3]);
        }
    }

    private void connects(int streams, int iterations, int cols, int n) {
        int width = StreamShape.width(streams, iterations > 0);
        float[] scales = floats(iterations > 0 ? 3 : 1);
        StreamShape shape = new StreamShape(streams, 1e-6f, iterations, scales, floats(width));
        float[] mixes = floats(n * width);
        DeviceBuffer inPlace = buffer(mixes);
        kernels.connect(inPlace, n, shape, inPlace);
        double[] coefficients = new double[n * width];
        for (int token = 0; token < n; token++) {
            System.arraycopy(coefficients(mixes, token * width, shape), 0, coefficients, token * width, width);
        }
        assertClose(coefficients, read(inPlace), SUMS, shape.toString());
        float[] x = floats(n * streams * cols);
        DeviceBuffer residual = buffer(x);
        DeviceBuffer out = zeros(n * cols);
        kernels.readStreams(residual, inPlace, n, shape, cols, out);
        double[] read = new double[n * cols];
        double[] written = new double[x.length];
        float[] result = floats(n * cols);
        for (int i = 0; i < read.length; i++) {
            int token = i / cols;
            for (int to = 0; to < streams; to++) {
                int at = (token * streams + to) * cols + i % cols;
                read[i] += coefficients[token * width + to] * x[at];
                written[at] = shape.writes() ? coefficients[token * width + streams + to] * result[i] : 0;
                for (int from = 0; from < streams && shape.writes(); from++) {
                    written[at] += coefficients[token * width + (2 + from) * streams + to]
                            * x[(token * streams + from) * cols + i % cols];
                }
            }
        }
        assertClose(read, read(out), SUMS, shape.toString());
        if (shape.writes()) {
            kernels.writeStreams(buffer(result), inPlace, n, shape, cols, residual);
            assertClose(written, read(residual), SUMS, shape.toString());
        }
    }

    private static double[] coefficients(float[] mixes, int at, StreamShape shape) {
        int streams = shape.streams();
        double[] c = new double[shape.width()];
        for (int i = 0; i < c.length; i++) {
            int part = Math.min(i / streams, 2);
            double mix = (double) mixes[at + i] * shape.scales()[part] + shape.bases()[i];
            c[i] = part == 0
                    ? 1 / (1 + Math.exp(-mix)) + shape.epsilon()
                    : part == 1 ? 2 / (1 + Math.exp(-mix)) : Math.exp(mix);
        }
        for (int round = 0; round < shape.iterations(); round++) {
            divide(c, streams, streams, 1, round == 0 ? 0 : shape.epsilon());
            for (int i = 2 * streams; round == 0 && i < c.length; i++) {
                c[i] += shape.epsilon();
            }
            divide(c, streams, 1, streams, shape.epsilon());
        }
        return c;
    }

    /// Divides each line of the matrix by its sum.
    private static void divide(double[] c, int streams, int apart, int step, double epsilon) {
        for (int line = 0; line < streams; line++) {
            int first = 2 * streams + line * apart;
            double sum = epsilon;
            for (int i = 0; i < streams; i++) {
                sum += c[first + i * step];
            }
            for (int i = 0; i < streams; i++) {
                c[first + i * step] /= sum;
            }
        }
    }

    @Test
    void weighsExpertsThatWereChosen() {
        Routing routing = Routing.softmax(5, 2)
                .scoredBy(Routing.Score.SQRT_SOFTPLUS)
                .normalised(Routing.Normalisation.SUM)
                .times(1.5);
        float[] logits = {1, -3, 40, 0, 2, 0, 0, 0, 0, 0};
        int[] ids = {1, 4, 3, 0};
        float[] weights = new float[4];
        kernels.weigh(buffer(logits), 2, routing, ids, weights);
        assertArrayEquals(new int[] {4, 1, 0, 3}, ids); // falling, and equal ones by number
        double four = Math.sqrt(Math.log1p(Math.exp(2)));
        double one = Math.sqrt(Math.log1p(Math.exp(-3)));
        assertEquals(1.5 * four / (four + one), weights[0], 1e-6);
        assertEquals(0.75f, weights[2]);
        float[] chosen = new float[4];
        kernels.route(buffer(logits), 2, routing, null, ids, chosen);
        assertArrayEquals(new int[] {2, 4, 0, 1}, ids);
        assertEquals(1.5 * Math.sqrt(40) / (Math.sqrt(40) + four), chosen[0], 1e-6);
    }

    @Test
    void refusesWhatIsNotCompressed() {
        DeviceBuffer x = zeros(400);
        LatentLayer rows = new LatentLayer(arena, KvType.F16, 10, 4, 0);
        LatentLayer others = new LatentLayer(arena, KvType.F32, 10, 4, 0);
        kernels.storeLatents(x, x, 8, 0, rows);
        CompressedShape shape = CompressedShape.of(2, 4, 1, null, 3, 4);
        String entries = "entries do not suit " + shape;
        assertRefused(entries, () -> kernels.compressedAttention(x, 1, 0, shape, rows, null, null, x));
        assertRefused(entries, () -> kernels.compressedAttention(x, 1, 0, shape, rows, others, null, x));
        KeyChoice choice = new KeyChoice(x, new KeyBlocks(1, 4, 1));
        assertRefused(
                "the choice of entries does not suit " + shape,
                () -> kernels.compressedAttention(x, 1, 0, shape, rows, rows, choice, x));
        assertRefused(
                "5 floats of places for 4 columns",
                () -> kernels.compress(x, x, new float[5], 1, 0, new Pooling(1, 4, false), x, x));
        StreamShape readers = new StreamShape(2, 0, 0, new float[1], new float[2]);
        assertRefused("2 streams that nothing comes back into", () -> kernels.writeStreams(x, x, 1, readers, 4, x));
        assertRefused("expert 9 of 4", () -> weigh(x, Routing.softmax(4, 1), 9));
        assertRefused(
                "experts that sparsemixer has not chosen itself have no score",
                () -> weigh(x, Routing.softmax(4, 1).scoredBy(new Routing.SparseMixer(0.1)), 0));
        assertRefused("blocks of 4 keys of 2 positions each", () -> new KeyBlocks(1, 1, 4, 2));
        assertRefused("the last 0 positions, and entries of 0", () -> CompressedShape.of(1, 1, 1, null, 0, 0));
        assertRefused(
                "9 streams, where 1 to 8 can be mixed, 1 times",
                () -> new StreamShape(9, 0, 1, new float[3], new float[99]));
        assertRefused(
                "1 scales and 2 bases for 8 coefficients of 2 streams",
                () -> new StreamShape(2, 0, 1, new float[1], new float[2]));
        assertRefused("entries of 0 floats for 4 positions", () -> new Pooling(0, 4, false));
    }

    private void weigh(DeviceBuffer logits, Routing routing, int id) {
        kernels.weigh(logits, 1, routing, new int[] {id}, new float[1]);
    }
}
