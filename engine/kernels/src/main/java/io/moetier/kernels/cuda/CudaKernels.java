package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.kernels.cuda.TokenProgram.Code;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertChoice;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.kernels.device.Operands;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.RouterWeights;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.SequenceShape;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The operations on a CUDA device: checks every size once, then collects what treats each token by itself in a
/// [TokenProgram] and launches the rest, after what was collected.
///
/// Weights, caches and biases of experts are memory of the device. Float arrays of the model are uploaded at first use.
final class CudaKernels implements Kernels, AutoCloseable {
    private static final int THREADS = 256; // of the kernels of products.cu that are no products
    static final int MOST_FEW_TOKENS = 64;

    private final CudaDevice device;
    private final CudaStream stream;
    private final KernelModules kernels;
    private final Staging staging;
    private final ParameterBlock parameter;
    private final VectorsHeld vectors;
    private final TokenProgram program;
    private final MatrixProducts products;
    private final ExpertProducts experts;
    private final Rounding rounding;
    private final CacheAttention attention;
    private final Recurrences recurrences;
    private final RouterProducts routers;
    private final LargestNumbers largest;
    private final ExpertChoice choice = new ExpertChoice();
    private final IdentityHashMap<RopeTable, RopeTable.Angles> anglesHeld = new IdentityHashMap<>();
    private float[] logits = new float[0];

    /// @param parameter of all launches but those of the token program, which has one of its own
    /// @param activations what quantised weights are multiplied by
    CudaKernels(
            CudaDevice device,
            CudaStream stream,
            KernelModules kernels,
            Staging staging,
            ParameterBlock parameter,
            TokenProgram program,
            ActivationType activations) {
        this.device = device;
        this.stream = stream;
        this.kernels = kernels;
        this.staging = staging;
        this.parameter = parameter;
        this.program = program;
        vectors = new VectorsHeld(device.heap(), staging);
        Tasks tasks = new Tasks(stream, staging, parameter);
        rounding = new Rounding(activations, device.heap(), stream, kernels, parameter);
        products = new MatrixProducts(device, kernels, staging, tasks, rounding);
        experts = new ExpertProducts(device.heap(), kernels, staging, tasks, rounding);
        attention = new CacheAttention(device.heap(), stream, kernels, staging, parameter);
        recurrences = new Recurrences(stream, kernels, parameter);
        routers = new RouterProducts(device, stream, kernels, tasks, parameter, vectors);
        largest = new LargestNumbers(device.heap(), stream, kernels, staging, parameter);
    }

    /// Launches what was collected.
    void flush() {
        program.flush();
    }

    /// Returns the bytes of what is kept from one operation to the next.
    long workingBytes() {
        return vectors.byteSize()
                + rounding.byteSize()
                + experts.byteSize()
                + attention.byteSize()
                + largest.byteSize();
    }

    @Override
    public void close() {
        vectors.close();
        rounding.close();
        experts.close();
        attention.close();
        routers.close();
        largest.close();
    }

    private CudaBuffer buffer(DeviceBuffer buffer, long least) {
        return CudaBuffer.of(device, buffer, least);
    }

    /// Prepares for a launch of what treats `n` tokens.
    private void launchBefore(int n) {
        device.enter();
        program.flush();
        program.tokens(n);
    }

    private TokenProgram operation(Code code, long length, int grain) {
        device.enter();
        return program.operation(code, length, grain);
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out) {
        CudaBuffer rows = buffer(out, (long) n * table.cols());
        for (int i = from; i < from + n; i++) {
            Objects.checkIndex(tokens[i], table.rows());
        }
        if (n > 0) {
            launchBefore(n);
            boolean few = n <= MOST_FEW_TOKENS;
            long staged = few ? 0 : staging.send(tokens, from, n);
            StructWriter writer = parameter
                    .begin()
                    .address(table.bytes().address())
                    .address(rows.address(0))
                    .address(staged)
                    .number(table.cols());
            if (few) {
                MemorySegment.copy(tokens, from, parameter.bytes(), JAVA_INT, writer.at(), n);
            }
            kernels.of(table.dtype()).embed().launch(stream, n, 1, 1, THREADS, parameter);
        }
    }

    @Override
    public void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out) {
        Operands.requireNorm(weight, null, cols);
        long length = (long) rows * cols;
        operation(Code.RMS_NORM, length, cols)
                .x(buffer(x, length), 0, length)
                .y(vectors.address(weight))
                .out(buffer(out, length))
                .cols(cols)
                .alpha(eps)
                .commit();
    }

    @Override
    public void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out) {
        Operands.requireNorm(weight, bias, cols);
        long length = (long) rows * cols;
        operation(Code.LAYER_NORM, length, cols)
                .x(buffer(x, length), 0, length)
                .y(vectors.address(weight))
                .z(vectors.address(bias))
                .out(buffer(out, length))
                .cols(cols)
                .alpha(eps)
                .commit();
    }

    @Override
    public void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow) {
        CudaBuffer inputs = buffer(x, ((long) xRow + n) * w.cols());
        CudaBuffer outputs = buffer(out, ((long) outRow + n) * w.rows());
        if (n > 0) {
            launchBefore(n);
            products.multiply(w, inputs, xRow, n, outputs, outRow);
        }
    }

    @Override
    public void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        CudaBuffer inputs = buffer(x, (long) n * ws[0].cols());
        Operands.requireAlike(ws, n, outs);
        if (n > 0) {
            launchBefore(n);
            products.multiply(ws, inputs, n, outs);
        }
    }

    @Override
    public void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out) {
        int rows = ws[0].rows();
        Operands.requirePerHead(ws, headDim);
        CudaBuffer inputs = buffer(x, (long) n * ws.length * headDim);
        CudaBuffer outputs = buffer(out, (long) n * ws.length * rows);
        if (n > 0) {
            launchBefore(n);
            products.multiplyPerHead(ws, inputs, n, headDim, outputs);
        }
    }

    @Override
    public void matmulRows(
            WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows) {
        if (n > 0) {
            CudaBuffer inputs = buffer(x, (largest(rows, from, n) + 1L) * w.cols());
            CudaBuffer outputs = buffer(out, (largest(outRows, from, n) + 1L) * w.rows());
            launchBefore(0);
            products.multiplyRows(w, inputs, rows, from, n, outputs, outRows);
        }
    }

    private static int largest(int[] numbers, int from, int n) {
        int largest = 0;
        for (int i = from; i < from + n; i++) {
            largest = Math.max(largest, numbers[i]);
        }
        return largest;
    }

    @Override
    public void addBias(DeviceBuffer x, int rows, int cols, float[] bias) {
        Operands.requireColumns(bias, "biases", cols);
        long length = (long) rows * cols;
        operation(Code.ADD_BIAS, length, cols)
                .x(vectors.address(bias))
                .out(buffer(x, length))
                .cols(cols)
                .commit();
    }

    @Override
    public void clamp(DeviceBuffer x, int length, float limit) {
        operation(Code.CLAMP, length, 1).out(buffer(x, length)).alpha(limit).commit();
    }

    @Override
    public void copy(DeviceBuffer x, int length, DeviceBuffer out) {
        operation(Code.COPY, length, 1)
                .x(buffer(x, length), 0, length)
                .out(buffer(out, length))
                .commit();
    }

    @Override
    public void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out) {
        if (n > 0) {
            CudaBuffer inputs = buffer(x, (largest(rows, from, n) + 1L) * cols);
            CudaBuffer outputs = buffer(out, (largest(outRows, from, n) + 1L) * cols);
            launchBefore(0);
            long sources = staging.send(rows, from, n);
            long targets = staging.send(outRows, from, n);
            parameter
                    .begin()
                    .address(inputs.address(0))
                    .address(outputs.address(0))
                    .address(sources)
                    .address(targets)
                    .number(cols);
            kernels.copyRows.launch(stream, n, 1, 1, THREADS, parameter);
        }
    }

    @Override
    public void appendRows(DeviceBuffer x, int rows, int cols, DeviceBuffer out, int outRow) {
        long length = (long) rows * cols;
        operation(Code.COPY, length, 1)
                .x(buffer(x, length), 0, length)
                .out(buffer(out, ((long) outRow + rows) * cols), (long) outRow * cols)
                .commit();
    }

    @Override
    public void scale(DeviceBuffer x, int length, float factor) {
        operation(Code.SCALE, length, 1).out(buffer(x, length)).alpha(factor).commit();
    }

    @Override
    public void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out) {
        Operands.requireFactors(factors, n, k);
        long length = (long) n * cols;
        operation(Code.SCALE_ROWS, length * k, cols * k)
                .x(buffer(x, length), 0, length)
                .factors(factors, n * k)
                .out(buffer(out, length * k))
                .cols(cols)
                .p(k, 0, 0, 0)
                .commit();
    }

    @Override
    public void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out) {
        operation(Code.COMBINE, length, 1)
                .x(buffer(x, length), 0, length)
                .y(buffer(y, length), 0, length)
                .out(buffer(out, length))
                .alpha(alpha)
                .beta(beta)
                .commit();
    }

    @Override
    public void add(DeviceBuffer x, DeviceBuffer y, int length) {
        operation(Code.ADD, length, 1)
                .x(buffer(y, length), 0, length)
                .out(buffer(x, length))
                .commit();
    }

    @Override
    public void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table) {
        Operands.requireRotation(table, headDim, from);
        int pairs = table.rotaryDim() / 2;
        RopeTable.Angles angles = anglesOf(table, firstPosition + n);
        long length = (long) n * heads * headDim;
        long first = (long) firstPosition * pairs * Float.BYTES;
        operation(Code.ROPE, length, heads * headDim)
                .y(vectors.address(angles.cos()) + first)
                .z(vectors.address(angles.sin()) + first)
                .out(buffer(x, length))
                .cols(pairs)
                .p(heads, headDim, from, table.interleaved() ? 1 : 0)
                .commit();
    }

    /// Returns the angles of `positions` positions and, where the table has grown for them, gives up those before.
    private RopeTable.Angles anglesOf(RopeTable table, int positions) {
        RopeTable.Angles angles = table.reserve(positions);
        RopeTable.Angles before = anglesHeld.put(table, angles);
        if (before != null && before.positions() != angles.positions()) {
            device.finish();
            vectors.forget(before.cos());
            vectors.forget(before.sin());
        }
        return angles;
    }

    @Override
    public void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache) {
        int width = cache.numKvHeads() * cache.headDim();
        long length = (long) n * width;
        CudaBuffer keys = buffer(k, length);
        CudaBuffer values = buffer(v, length);
        device.enter();
        cache.reserve(firstPosition + n);
        int last = (firstPosition + n - 1) / KvLayer.CHUNK_POSITIONS;
        for (int chunk = firstPosition / KvLayer.CHUNK_POSITIONS; n > 0 && chunk <= last; chunk++) {
            operation(Code.STORE_KV, length, width)
                    .x(keys, 0, length)
                    .y(values, 0, length)
                    .out(cache.keys(chunk).address())
                    .more(cache.values(chunk).address())
                    .p(
                            cache.numKvHeads(),
                            cache.headDim(),
                            firstPosition - chunk * KvLayer.CHUNK_POSITIONS,
                            isHalf(cache.type()))
                    .commit();
        }
    }

    private static int isHalf(KvType type) {
        return type == KvType.F16 ? 1 : 0;
    }

    @Override
    public void attention(
            DeviceBuffer q, int n, int firstPosition, AttentionShape shape, KvLayer cache, DeviceBuffer out) {
        Operands.requireSuits(cache, shape);
        long length = (long) n * shape.numHeads() * shape.headDim();
        CudaBuffer queries = buffer(q, length);
        CudaBuffer results = buffer(out, length);
        if (n > 0) {
            launchBefore(n);
            attention.attend(queries, n, firstPosition, shape, cache, vectors.address(shape.sinks()), results);
        }
    }

    @Override
    public void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache) {
        long ofLatents = (long) n * cache.latentDim();
        long ofKeys = (long) n * cache.ropeDim();
        CudaBuffer from = buffer(latents, ofLatents);
        CudaBuffer rotated = buffer(keys, ofKeys);
        device.enter();
        cache.reserve(firstPosition + n);
        int last = (firstPosition + n - 1) / LatentLayer.CHUNK_POSITIONS;
        for (int chunk = firstPosition / LatentLayer.CHUNK_POSITIONS; n > 0 && chunk <= last; chunk++) {
            operation(Code.STORE_LATENTS, ofLatents + ofKeys, cache.latentDim() + cache.ropeDim())
                    .x(from, 0, ofLatents)
                    .y(rotated, 0, ofKeys)
                    .out(cache.chunk(chunk).address())
                    .p(
                            cache.latentDim(),
                            cache.ropeDim(),
                            firstPosition - chunk * LatentLayer.CHUNK_POSITIONS,
                            isHalf(cache.type()))
                    .commit();
        }
    }

    @Override
    public void latentAttention(
            DeviceBuffer absorbed,
            DeviceBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            DeviceBuffer out) {
        Operands.requireSuits(cache, shape);
        long length = (long) n * shape.numHeads() * shape.latentDim();
        CudaBuffer over = buffer(absorbed, length);
        CudaBuffer queries = buffer(q, (long) n * shape.numHeads() * shape.queryDim());
        CudaBuffer results = buffer(out, length);
        if (n > 0) {
            launchBefore(n);
            attention.attendLatents(over, queries, n, firstPosition, shape, cache, results);
        }
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
        long width = (long) shape.numHeads() * shape.headDim();
        CudaBuffer queries = buffer(q, n * width);
        CudaBuffer keys = buffer(k, numKeys * width);
        CudaBuffer values = buffer(v, numKeys * width);
        CudaBuffer results = buffer(out, n * width);
        long biases = bias == null
                ? 0
                : buffer(bias, shape.numHeads() * (2L * shape.biasReach() + 1)).address(0);
        if (n > 0) {
            launchBefore(n);
            attention.attendSequence(queries, n, firstPosition, keys, values, numKeys, shape, biases, results);
        }
    }

    @Override
    public void route(RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        if (!RouterProducts.canChoose(router.routing(), n)) {
            Kernels.super.route(router, x, n, outs, choices);
            return;
        }
        CudaBuffer inputs = buffer(x, (long) n * router.matrices()[0].cols());
        Operands.requireAlike(router.matrices(), n, outs);
        if (n > 0) {
            launchBefore(n);
            routers.route(router, inputs, n, outs, choices);
        }
    }

    /// The logits come to the host, whose own code chooses: for an observer, who wants the scores of all experts, and
    /// for rules that are beyond the kernels.
    @Override
    public void route(
            DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        int count = n * routing.numExperts();
        if (this.logits.length < count) {
            this.logits = new float[count];
        }
        device.download(logits, 0, count, this.logits, 0);
        for (int token = 0; token < n; token++) {
            int to = token * routing.numExpertsPerToken();
            choice.choose(routing, this.logits, token * routing.numExperts(), correction, ids, weights, to);
        }
    }

    @Override
    public void largest(DeviceBuffer x, int from, int n, int k, Largest out) {
        Operands.requireFew(k);
        CudaBuffer numbers = buffer(x, (long) from + n);
        launchBefore(0);
        largest.find(numbers.address(from), n, k, out);
    }

    @Override
    public void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out) {
        if (batch.size() > 0) {
            CudaBuffer inputs =
                    buffer(x, (batch.largestRow() + 1L) * batch.get(0).up().cols());
            CudaBuffer outputs = buffer(
                    out, (batch.largestOutRow() + 1L) * batch.get(0).down().rows());
            launchBefore(0);
            experts.run(batch, inputs, outputs);
        }
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out) {
        Operands.requireFactors(weights, n, k);
        long length = (long) n * cols;
        operation(Code.WEIGHTED_SUM, length, cols)
                .x(buffer(expertRows, length * k), 0, length * k)
                .factors(weights, n * k)
                .out(buffer(out, length))
                .cols(cols)
                .p(k, 0, 0, 0)
                .commit();
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, ExpertChoices choices, int n, int k, int cols, DeviceBuffer out) {
        if (!choices.isOnDevice()) {
            weightedSum(expertRows, choices.weights(), n, k, cols, out);
            return;
        }
        long length = (long) n * cols;
        operation(Code.WEIGHTED_SUM, length, cols)
                .x(buffer(expertRows, length * k), 0, length * k)
                .y(buffer(choices.room(), (long) n * k).address(0))
                .out(buffer(out, length))
                .cols(cols)
                .p(k, 0, 0, 0)
                .commit();
    }

    @Override
    public void addRows(
            DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out) {
        long length = (long) rows * cols;
        TokenProgram sum = operation(Code.ADD_ROWS, length, cols)
                .x(buffer(x, (long) xRow * cols + length), (long) xRow * cols, length)
                .out(buffer(out, length))
                .cols(cols);
        if (gateLogit != null) {
            sum.y(buffer(gateLogit, rows), 0, rows);
        }
        sum.commit();
    }

    @Override
    public void clear(DeviceBuffer x, int length) {
        operation(Code.CLEAR, length, 1).out(buffer(x, length)).commit();
    }

    @Override
    public void multiply(DeviceBuffer x, DeviceBuffer y, int length) {
        operation(Code.MULTIPLY, length, 1)
                .x(buffer(y, length), 0, length)
                .out(buffer(x, length))
                .commit();
    }

    @Override
    public void activate(DeviceBuffer x, int length, Activation activation) {
        Code code = switch (activation) {
            case SIGMOID -> Code.SIGMOID;
            case SILU -> Code.SILU;
            case SOFTPLUS -> Code.SOFTPLUS;
        };
        operation(code, length, 1).out(buffer(x, length)).commit();
    }

    @Override
    public void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out) {
        Operands.requireColumns(factors, "factors", cols);
        long length = (long) rows * cols;
        operation(Code.ADD_SCALED, length, cols)
                .x(buffer(x, length), 0, length)
                .y(vectors.address(factors))
                .out(buffer(out, length))
                .cols(cols)
                .commit();
    }

    @Override
    public void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state) {
        Operands.requireConvolution(taps, bias, channels);
        CudaBuffer inputs = buffer(x, (long) n * channels);
        CudaBuffer kept = buffer(state, taps.length);
        launchBefore(n);
        int width = taps.length / channels;
        recurrences.convolve(inputs, n, channels, width, vectors.address(taps), vectors.address(bias), kept);
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
        Operands.requireRates(rates, channels);
        int stateSize = rates.length / channels;
        long length = (long) n * channels;
        long selections = (long) n * stateSize;
        CudaBuffer inputs = buffer(x, length);
        CudaBuffer steps = buffer(step, length);
        CudaBuffer writes = buffer(b, selections);
        CudaBuffer reads = buffer(c, selections);
        CudaBuffer kept = buffer(state, rates.length);
        CudaBuffer outputs = buffer(out, length);
        launchBefore(n);
        recurrences.scan(inputs, steps, writes, reads, n, channels, stateSize, vectors.address(rates), kept, outputs);
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
        Operands.requireRates(rates, shape);
        long ofKeys = (long) n * shape.numKeyHeads() * shape.keyDim();
        long ofValues = (long) n * shape.numValueHeads() * shape.valueDim();
        long scalars = (long) n * shape.numValueHeads();
        CudaBuffer queries = buffer(q, ofKeys);
        CudaBuffer keys = buffer(k, ofKeys);
        CudaBuffer values = buffer(v, ofValues);
        long steps = step == null ? 0 : buffer(step, scalars).address(0);
        long strengths = strength == null ? 0 : buffer(strength, scalars).address(0);
        CudaBuffer kept = buffer(state, shape.stateSize());
        CudaBuffer outputs = buffer(out, ofValues);
        launchBefore(n);
        recurrences.attend(queries, keys, values, steps, strengths, vectors.address(rates), n, shape, kept, outputs);
    }
}
