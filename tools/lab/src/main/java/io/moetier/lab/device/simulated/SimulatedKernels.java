package io.moetier.lab.device.simulated;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.Backend;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.RouterWeights;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.SequenceShape;
import io.moetier.kernels.device.StreamShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import org.jspecify.annotations.Nullable;

/// The processor's kernels, each charged with the launches and copies that the CUDA device would make of it.
///
/// Products and attention over keys and values cost what the emulated driver counts in their kernels, within some
/// percent; norms and the like a few instructions an element, which a token's launches do not notice. Recurrences and
/// the attention of encoders are charged for their bytes and a few instructions, which nobody has compared.
final class SimulatedKernels implements Backend {
    private static final DType[] TYPES = DType.values();
    private static final int MOST_FEW_TOKENS = 64;
    private static final double OF_NORM = 40; // lanes for an element
    private static final double OF_ELEMENT = 8;
    private static final int PART = 4096; // numbers that a block searches
    private static final double OF_SEARCH = 10_000; // lanes for a block and what it finds
    private static final double OF_LOGIT = 100; // of a choice, for an expert
    private static final double OF_CHOICE = 2_000; // for one that is chosen
    private static final double OF_STEP = 10; // of a recurrence, for an element of its state

    private final Kernels cpu;
    private final SimulatedTime time;
    private final TokenOperations operations;
    private final Rounding rounding;
    private final Products products;
    private final AttentionCosts attention;

    SimulatedKernels(Kernels cpu, SimulatedTime time, ActivationType activations) {
        this.cpu = cpu;
        this.time = time;
        operations = new TokenOperations(time);
        rounding = new Rounding(activations, time);
        products = new Products(rounding);
        attention = new AttentionCosts(time);
    }

    /// Charges what was collected.
    void flush() {
        operations.flush();
    }

    /// The processor's kernels do so for themselves.
    @Override
    public void enter() {}

    @Override
    public boolean owns(DeviceBuffer buffer) {
        return cpu.owns(buffer);
    }

    @Override
    public boolean supportsRouting(Routing routing, int n) {
        return !(routing.score() instanceof Routing.SqrtSoftplus);
    }

    private void launchBefore(int n) {
        operations.flush();
        operations.tokens(n);
    }

    private void launch(String kernel, int n, double floats, double lanes) {
        launchBefore(n);
        time.launch(kernel, Float.BYTES * floats, lanes);
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out) {
        if (n > MOST_FEW_TOKENS) {
            launchBefore(n);
            time.send((long) n * Integer.BYTES);
        }
        launch("embed", n, 2.0 * n * table.cols(), OF_ELEMENT * n * table.cols());
        cpu.embed(table, tokens, from, n, out);
    }

    @Override
    public void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out) {
        operations.add((long) rows * cols, cols, 2, OF_NORM);
        cpu.rmsNorm(x, rows, cols, weight, eps, out);
    }

    @Override
    public void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out) {
        operations.add((long) rows * cols, cols, 2, OF_NORM);
        cpu.layerNorm(x, rows, cols, weight, bias, eps, out);
    }

    @Override
    public void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow) {
        launchBefore(n);
        multiply(w, n);
        cpu.matmul(w, x, xRow, n, out, outRow);
    }

    @Override
    public void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        multiply(ws, n, (double) n * ws[0].cols(), true, 0);
        cpu.matmul(ws, x, n, outs);
    }

    /// The choice is part of the launch of a product with floats, and else one of its own; activations are not rounded.
    @Override
    public void route(RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        WeightMatrix[] ws = router.matrices();
        Routing routing = router.routing();
        double lanes = n * (OF_LOGIT * routing.numExperts() + OF_CHOICE * routing.numExpertsPerToken());
        boolean together = isFloats(ws[0].dtype());
        multiply(ws, n, (double) n * ws[0].cols(), false, together ? lanes : 0);
        if (!together) {
            time.launch("choose_experts", (double) Float.BYTES * n * routing.numExperts(), lanes);
        }
        time.fetch((long) Float.BYTES * ExpertChoices.floats(n * routing.numExpertsPerToken()));
        cpu.route(router, x, n, outs, choices);
        choices.chosenOnDevice();
    }

    private static boolean isFloats(DType dtype) {
        return dtype == DType.F32 || dtype == DType.F16 || dtype == DType.BF16;
    }

    @Override
    public void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out) {
        multiply(ws, n, (double) n * headDim * ws.length, headDim % Rounding.BLOCK == 0, 0);
        cpu.matmulPerHead(ws, x, n, headDim, out);
    }

    private void multiply(WeightMatrix w, int n) {
        DType dtype = w.dtype();
        double inputs = (double) n * w.cols();
        double results = (double) Float.BYTES * n * w.rows();
        boolean rounds = rounding.rounds(dtype, n);
        if (rounds) {
            rounding.launch(dtype, inputs);
        }
        products.begin(Products.inputBytes(dtype, rounds, inputs));
        products.add(w, n, n == 1, rounds, false, results);
        products.launch("multiply", time);
    }

    /// One launch for each type of weights, and one that rounds.
    ///
    /// @param wholeBlocks whether each matrix reads whole blocks of activations
    /// @param lanes that the launch with the first matrix computes beside the product
    private void multiply(WeightMatrix[] ws, int n, double inputs, boolean wholeBlocks, double lanes) {
        launchBefore(n);
        rounding.begin();
        for (DType dtype : TYPES) {
            boolean rounds = wholeBlocks && rounding.rounds(dtype, n);
            products.begin(Products.inputBytes(dtype, rounds, inputs));
            for (WeightMatrix w : ws) {
                if (w.dtype() == dtype) {
                    products.add(w, n, n == 1, rounds, false, (double) Float.BYTES * n * w.rows());
                }
            }
            if (!products.isEmpty()) {
                if (rounds && rounding.isDue(dtype)) {
                    rounding.launch(dtype, inputs);
                }
                products.addLanes(dtype == ws[0].dtype() ? lanes : 0);
                products.launch("multiply", time);
            }
        }
    }

    @Override
    public void matmulRows(
            WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows) {
        launchBefore(0);
        time.send((long) n * Integer.BYTES);
        time.send((long) n * Integer.BYTES);
        multiply(w, n);
        cpu.matmulRows(w, x, rows, from, n, out, outRows);
    }

    @Override
    public void addBias(DeviceBuffer x, int rows, int cols, float[] bias) {
        operations.add((long) rows * cols, cols, 2, OF_ELEMENT);
        cpu.addBias(x, rows, cols, bias);
    }

    @Override
    public void clamp(DeviceBuffer x, int length, float limit) {
        operations.add(length, 1, 2, OF_ELEMENT);
        cpu.clamp(x, length, limit);
    }

    @Override
    public void copy(DeviceBuffer x, int length, DeviceBuffer out, int outAt) {
        operations.add(length, 1, 2, OF_ELEMENT);
        cpu.appendRows(x, length, 1, out, outAt);
    }

    @Override
    public void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out) {
        launchBefore(0);
        time.send((long) n * Integer.BYTES);
        time.send((long) n * Integer.BYTES);
        time.launch("copy_rows", 2.0 * Float.BYTES * n * cols, OF_ELEMENT * n * cols);
        cpu.copyRows(x, rows, outRows, from, n, cols, out);
    }

    @Override
    public void scale(DeviceBuffer x, int length, float factor) {
        operations.add(length, 1, 2, OF_ELEMENT);
        cpu.scale(x, length, factor);
    }

    @Override
    public void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out) {
        operations.add((long) n * k * cols, k * cols, 2, OF_ELEMENT, n * k);
        cpu.scaleRows(x, factors, n, k, cols, out);
    }

    @Override
    public void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out) {
        operations.add(length, 1, 3, OF_ELEMENT);
        cpu.combine(x, alpha, y, beta, length, out);
    }

    @Override
    public void add(DeviceBuffer x, DeviceBuffer y, int length) {
        operations.add(length, 1, 3, OF_ELEMENT);
        cpu.add(x, y, length);
    }

    @Override
    public void forget(RopeTable table) {
        // takes no time
    }

    @Override
    public void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table) {
        operations.add((long) n * heads * headDim, heads * headDim, 3, OF_ELEMENT);
        cpu.rope(x, n, heads, headDim, from, firstPosition, table);
    }

    @Override
    public void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache) {
        int width = cache.numKvHeads() * Math.max(cache.headDim(), cache.valueDim());
        operations.add((long) n * width, width, 3, 2 * OF_ELEMENT);
        cpu.storeKv(k, v, n, firstPosition, cache);
    }

    @Override
    public void attention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            AttentionShape shape,
            KvLayer cache,
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        launchBefore(n);
        attention.overCache(n, firstPosition, shape, cache, choice);
        cpu.attention(q, n, firstPosition, shape, cache, choice, out);
    }

    @Override
    public void storeIndexKeys(DeviceBuffer keys, int n, int firstPosition, IndexLayer cache) {
        operations.add((long) n * cache.dim(), cache.dim(), 2, OF_ELEMENT);
        cpu.storeIndexKeys(keys, n, firstPosition, cache);
    }

    @Override
    public void chooseKeys(
            DeviceBuffer q,
            @Nullable DeviceBuffer weights,
            int n,
            int firstPosition,
            IndexShape shape,
            IndexLayer cache,
            DeviceBuffer out) {
        launchBefore(n);
        attention.ofIndex(n, firstPosition, shape, cache);
        cpu.chooseKeys(q, weights, n, firstPosition, shape, cache, out);
    }

    @Override
    public void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache) {
        int width = cache.latentDim() + cache.ropeDim();
        operations.add((long) n * width, width, 2, OF_ELEMENT);
        cpu.storeLatents(latents, keys, n, firstPosition, cache);
    }

    @Override
    public void latentAttention(
            DeviceBuffer absorbed,
            DeviceBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        launchBefore(n);
        attention.overLatents(n, firstPosition, shape, cache, choice);
        cpu.latentAttention(absorbed, q, n, firstPosition, shape, cache, choice, out);
    }

    @Override
    public void sequenceAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            DeviceBuffer k,
            DeviceBuffer v,
            int numKeys,
            SequenceShape shape,
            @Nullable DeviceBuffer bias,
            DeviceBuffer out) {
        launchBefore(n);
        attention.overSequence(n, numKeys, shape);
        cpu.sequenceAttention(q, n, firstPosition, k, v, numKeys, shape, bias, out);
    }

    @Override
    public void route(
            DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        operations.flush();
        time.fetch((long) Float.BYTES * n * routing.numExperts());
        cpu.route(logits, n, routing, correction, ids, weights);
    }

    /// Each block searches a part again and again, and what the parts give is searched again.
    @Override
    public void largest(DeviceBuffer x, int from, int n, int k, Largest out) {
        launchBefore(0);
        int most = Math.min(k, n);
        int left = n;
        do {
            int parts = Math.ceilDiv(left, PART);
            time.launch("largest_of_parts", (double) Float.BYTES * left, OF_SEARCH * parts * most);
            left = parts * most;
        } while (left > most);
        time.fetch((long) Long.BYTES * most);
        cpu.largest(x, from, n, k, out);
    }

    @Override
    public void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out) {
        launchBefore(0);
        products.launch(batch, time);
        cpu.expertFfn(batch, x, out);
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out) {
        operations.add((long) n * cols, cols, k + 1.0, k * OF_ELEMENT, n * k);
        cpu.weightedSum(expertRows, weights, n, k, cols, out);
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, ExpertChoices choices, int n, int k, int cols, DeviceBuffer out) {
        operations.add((long) n * cols, cols, k + 1.0, k * OF_ELEMENT, 0);
        cpu.weightedSum(expertRows, choices.weights(), n, k, cols, out);
    }

    @Override
    public void addRows(
            DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out) {
        operations.add((long) rows * cols, cols, 3, OF_ELEMENT);
        cpu.addRows(x, xRow, gateLogit, rows, cols, out);
    }

    @Override
    public void clear(DeviceBuffer x, int length) {
        operations.add(length, 1, 1, OF_ELEMENT);
        cpu.clear(x, length);
    }

    @Override
    public void multiply(DeviceBuffer x, DeviceBuffer y, int length) {
        operations.add(length, 1, 3, OF_ELEMENT);
        cpu.multiply(x, y, length);
    }

    @Override
    public void activate(DeviceBuffer x, int length, Activation activation) {
        operations.add(length, 1, 2, 2 * OF_ELEMENT);
        cpu.activate(x, length, activation);
    }

    @Override
    public void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out) {
        operations.add((long) rows * cols, cols, 3, OF_ELEMENT);
        cpu.addScaled(x, rows, cols, factors, out);
    }

    @Override
    public void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state) {
        double elements = (double) n * channels;
        launch(
                "causal_convolution",
                n,
                2 * elements + 3.0 * taps.length,
                OF_ELEMENT * elements * taps.length / channels);
        cpu.causalConvolution(x, n, channels, taps, bias, state);
    }

    @Override
    public void selectiveScan(
            DeviceBuffer x,
            DeviceBuffer step,
            DeviceBuffer b,
            DeviceBuffer c,
            int n,
            int channels,
            float[] rates,
            DeviceBuffer state,
            DeviceBuffer out) {
        launch("selective_scan", n, 3.0 * n * channels + 3.0 * rates.length, OF_STEP * n * rates.length);
        cpu.selectiveScan(x, step, b, c, n, channels, rates, state, out);
    }

    @Override
    public void linearAttention(
            DeviceBuffer q,
            DeviceBuffer k,
            DeviceBuffer v,
            @Nullable DeviceBuffer step,
            @Nullable DeviceBuffer strength,
            float[] rates,
            int n,
            LinearAttentionShape shape,
            DeviceBuffer state,
            DeviceBuffer out) {
        double floats = 2.0 * n * (shape.numKeyHeads() * shape.keyDim() + shape.numValueHeads() * shape.valueDim());
        floats += shape.byElement() ? (double) n * shape.numValueHeads() * shape.keyDim() : 0;
        launch("linear_attention", n, floats + 2.0 * shape.stateSize(), OF_STEP * n * shape.stateSize());
        cpu.linearAttention(q, k, v, step, strength, rates, n, shape, state, out);
    }

    @Override
    public void compressedAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            CompressedShape shape,
            LatentLayer recent,
            @Nullable LatentLayer entries,
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        launchBefore(n);
        attention.overEntries(n, firstPosition, shape, recent, choice);
        cpu.compressedAttention(q, n, firstPosition, shape, recent, entries, choice, out);
    }

    @Override
    public void compress(
            DeviceBuffer values,
            DeviceBuffer gates,
            float[] places,
            int n,
            int firstPosition,
            CompressedShape.Pooling shape,
            DeviceBuffer state,
            DeviceBuffer out) {
        double elements = (double) n * shape.width();
        launch("compress", n, 3 * elements + 2.0 * shape.state(), OF_NORM * elements);
        cpu.compress(values, gates, places, n, firstPosition, shape, state, out);
    }

    @Override
    public void connect(DeviceBuffer mixes, int n, StreamShape shape, DeviceBuffer out) {
        double lanes = OF_NORM * (1 + 2 * shape.iterations());
        operations.add((long) n * shape.width(), shape.width(), 2, lanes);
        cpu.connect(mixes, n, shape, out);
    }

    @Override
    public void readStreams(
            DeviceBuffer streams, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer out) {
        operations.add((long) n * cols, cols, shape.streams() + 1.0, shape.streams() * OF_ELEMENT);
        cpu.readStreams(streams, coefficients, n, shape, cols, out);
    }

    @Override
    public void writeStreams(
            DeviceBuffer x, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer streams) {
        int width = shape.streams() * cols;
        operations.add((long) n * width, width, 3, shape.streams() * OF_ELEMENT);
        cpu.writeStreams(x, coefficients, n, shape, cols, streams);
    }

    @Override
    public void weigh(DeviceBuffer logits, int n, Routing routing, int[] ids, float[] weights) {
        operations.flush();
        time.fetch((long) Float.BYTES * n * routing.numExperts());
        cpu.weigh(logits, n, routing, ids, weights);
    }
}
