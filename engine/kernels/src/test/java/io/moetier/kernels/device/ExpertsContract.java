package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What the operations of every device compute of experts: routers, the choice, feed-forward networks.
abstract class ExpertsContract extends CompressedContract {
    private static final FfnActivation CLAMPED = new FfnActivation.ClampedSwiGlu(0.8f, 1.702f);

    /// Returns how many roundings of all terms a product may be off by; one is that of the exact sum.
    protected double roundings(DType dtype, int cols) {
        return cols / 32.0 + 34;
    }

    /// Returns what weights of a type are multiplied by: `x`, or what it is rounded to.
    protected double[] activations(DType dtype, float[] x) {
        return Reference.doubles(x);
    }

    void assertProduct(WeightMatrix w, float[] x, float[] found, String what) {
        double[] weights = Reference.weights(w);
        double[] activations = activations(w.dtype(), x);
        double[] expected = Reference.product(weights, w.cols(), activations, false);
        double[] sizes = Reference.product(weights, w.cols(), activations, true);
        assertEquals(expected.length, found.length, what);
        for (int i = 0; i < expected.length; i++) {
            double tolerance = (roundings(w.dtype(), w.cols()) + 1) * ULP * sizes[i];
            int at = i;
            assertEquals(expected[i], found[i], tolerance, () -> SEED + ": " + what + " at " + at);
        }
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

    /// Returns what an expert makes of rows.
    private double[] expected(HostExpert expert, float[] x) {
        int width = expert.up.rows();
        double[] gates =
                Reference.product(Reference.weights(expert.gate), 256, activations(expert.gate.dtype(), x), false);
        double[] ups = Reference.product(Reference.weights(expert.up), 256, activations(expert.up.dtype(), x), false);
        float[] hidden = new float[ups.length];
        for (int i = 0; i < hidden.length; i++) {
            float bias = expert.bias == null ? 0 : expert.bias[i % width];
            hidden[i] = (float) Reference.gated(expert.activation, gates[i] + bias, ups[i] + bias);
        }
        double[] out = Reference.product(
                Reference.weights(expert.down), width, activations(expert.down.dtype(), hidden), false);
        for (int i = 0; i < out.length && expert.bias != null; i++) {
            out[i] += expert.bias[i % 256];
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
            double[] expected = expected(expert, rows(x, 256, Arrays.copyOfRange(rows, starts[e], starts[e + 1])));
            float[] found = rows(y, 256, Arrays.copyOfRange(outRows, starts[e], starts[e + 1]));
            double tolerance = (rounds ? 4e-3 : 2e-5) * Math.max(1, Reference.largestOf(expected));
            String which = SEED + ": " + what + ", expert " + e + " at ";
            for (int i = 0; i < found.length; i++) {
                int at = i;
                assertEquals(expected[i], found[i], tolerance, () -> which + at);
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
                    expert(FfnActivation.RELU, dtype, dtype, dtype, 256, true),
                    expert(FfnActivation.SQUARED_RELU, dtype, dtype, dtype, 256, true),
                    expert(new FfnActivation.LimitedSwiGlu(0.8f), dtype, dtype, dtype, 256, true),
                    expert(new FfnActivation.CappedSwiGlu(0.8f), dtype, dtype, dtype, 256, true));
            int[] rows = {4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
            int[] outRows = {0, 8, 1, 2, 7, 6, 5, 4, 3, 9, 10};
            assertExperts(experts, new int[] {0, 1, 3, 4, 8, 9, 10, 11}, rows, outRows, dtype.label());
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
}
