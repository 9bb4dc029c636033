package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.kernels.cuda.TokenProgram.Code;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.Backend;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertChoice;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
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
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/// The operations on a CUDA device: collects what treats each token by itself in a [TokenProgram] and launches the
/// rest, after what was collected.
///
/// Weights, caches and biases of experts are memory of the device. Float arrays of the model are uploaded at first use.
final class CudaKernels implements Backend, AutoCloseable {
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
    private final Indexer indexer;
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
        products = new MatrixProducts(kernels, staging, tasks, rounding);
        experts = new ExpertProducts(device.heap(), kernels, staging, tasks, rounding);
        attention = new CacheAttention(device.heap(), stream, kernels, staging, parameter);
        indexer = new Indexer(device.heap(), stream, kernels, staging, parameter);
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
                + indexer.byteSize()
                + largest.byteSize();
    }

    @Override
    public void close() {
        vectors.close();
        rounding.close();
        experts.close();
        attention.close();
        indexer.close();
        routers.close();
        largest.close();
    }

    @Override
    public void enter() {
        device.enter();
    }

    @Override
    public boolean owns(DeviceBuffer buffer) {
        return buffer instanceof CudaBuffer own && own.device() == device;
    }

    @Override
    public boolean supportsAttention(KvType type, int keyDim, int valueDim) {
        return CacheAttention.hasRoom(type, keyDim, valueDim);
    }

    @Override
    public boolean supportsIndex(int dim) {
        return Indexer.hasRoom(dim);
    }

    @Override
    public boolean supportsRouting(Routing routing, int n) {
        return RouterProducts.canChoose(routing, n);
    }

    private static CudaBuffer buffer(DeviceBuffer buffer) {
        return (CudaBuffer) buffer;
    }

    /// Returns where an optional operand is; 0 for none.
    private static long address(@Nullable DeviceBuffer buffer) {
        return buffer == null ? 0 : buffer(buffer).address(0);
    }

    /// Prepares for a launch of what treats `n` tokens.
    private void launchBefore(int n) {
        program.flush();
        program.tokens(n);
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out) {
        launchBefore(n);
        boolean few = n <= MOST_FEW_TOKENS;
        long staged = few ? 0 : staging.send(tokens, from, n);
        StructWriter writer = parameter
                .begin()
                .address(table.bytes().address())
                .address(address(out))
                .address(staged)
                .number(table.cols());
        if (few) {
            MemorySegment.copy(tokens, from, parameter.bytes(), JAVA_INT, writer.at(), n);
        }
        kernels.of(table.dtype()).embed().launch(stream, n, 1, 1, THREADS, parameter);
    }

    @Override
    public void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out) {
        program.operation(Code.RMS_NORM, rows, cols)
                .x(buffer(x))
                .y(vectors.address(weight))
                .out(buffer(out))
                .cols(cols)
                .alpha(eps)
                .commit();
    }

    @Override
    public void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out) {
        program.operation(Code.LAYER_NORM, rows, cols)
                .x(buffer(x))
                .y(vectors.address(weight))
                .z(vectors.address(bias))
                .out(buffer(out))
                .cols(cols)
                .alpha(eps)
                .commit();
    }

    @Override
    public void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow) {
        launchBefore(n);
        products.multiply(w, buffer(x), xRow, n, buffer(out), outRow);
    }

    @Override
    public void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        launchBefore(n);
        products.multiply(ws, buffer(x), n, outs);
    }

    @Override
    public void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out) {
        launchBefore(n);
        products.multiplyPerHead(ws, buffer(x), n, headDim, buffer(out));
    }

    @Override
    public void matmulRows(
            WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows) {
        launchBefore(0);
        products.multiplyRows(w, buffer(x), rows, from, n, buffer(out), outRows);
    }

    @Override
    public void addBias(DeviceBuffer x, int rows, int cols, float[] bias) {
        program.operation(Code.ADD_BIAS, rows, cols)
                .x(vectors.address(bias))
                .out(buffer(x))
                .cols(cols)
                .commit();
    }

    @Override
    public void clamp(DeviceBuffer x, int length, float limit) {
        program.operation(Code.CLAMP, length).out(buffer(x)).alpha(limit).commit();
    }

    @Override
    public void copy(DeviceBuffer x, int length, DeviceBuffer out, int outAt) {
        program.operation(Code.COPY, length)
                .x(buffer(x))
                .out(buffer(out), outAt)
                .commit();
    }

    @Override
    public void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out) {
        launchBefore(0);
        long sources = staging.send(rows, from, n);
        long targets = staging.send(outRows, from, n);
        parameter
                .begin()
                .address(address(x))
                .address(address(out))
                .address(sources)
                .address(targets)
                .number(cols);
        kernels.copyRows.launch(stream, n, 1, 1, THREADS, parameter);
    }

    @Override
    public void scale(DeviceBuffer x, int length, float factor) {
        program.operation(Code.SCALE, length).out(buffer(x)).alpha(factor).commit();
    }

    @Override
    public void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out) {
        program.operation(Code.SCALE_ROWS, n, k * cols)
                .x(buffer(x), 0, n * cols)
                .factors(factors, n * k)
                .out(buffer(out))
                .cols(cols)
                .p(k, 0, 0, 0)
                .commit();
    }

    @Override
    public void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out) {
        program.operation(Code.COMBINE, length)
                .x(buffer(x))
                .y(buffer(y))
                .out(buffer(out))
                .alpha(alpha)
                .beta(beta)
                .commit();
    }

    @Override
    public void add(DeviceBuffer x, DeviceBuffer y, int length) {
        program.operation(Code.ADD, length).x(buffer(y)).out(buffer(x)).commit();
    }

    @Override
    public void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table) {
        int pairs = table.rotaryDim() / 2;
        RopeTable.Angles angles = anglesOf(table, firstPosition + n);
        long first = (long) firstPosition * pairs * Float.BYTES;
        program.operation(Code.ROPE, n, heads * headDim)
                .y(vectors.address(angles.cos()) + first)
                .z(vectors.address(angles.sin()) + first)
                .out(buffer(x))
                .cols(pairs)
                .p(heads, headDim, from, table.interleaved() ? 1 : 0)
                .commit();
    }

    /// Returns the angles of `positions` positions and, where the table has grown for them, gives up those before.
    private RopeTable.Angles anglesOf(RopeTable table, int positions) {
        RopeTable.Angles angles = table.reserve(positions);
        RopeTable.Angles before = anglesHeld.put(table, angles);
        if (before != null && before.positions() != angles.positions()) {
            forget(before);
        }
        return angles;
    }

    private void forget(RopeTable.Angles angles) {
        device.finish();
        vectors.forget(angles.cos());
        vectors.forget(angles.sin());
    }

    @Override
    public void forget(RopeTable table) {
        RopeTable.Angles held = anglesHeld.remove(table);
        if (held != null) {
            forget(held);
        }
    }

    @Override
    public void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache) {
        int last = (firstPosition + n - 1) / KvLayer.CHUNK_POSITIONS;
        for (int chunk = firstPosition / KvLayer.CHUNK_POSITIONS; chunk <= last; chunk++) {
            int heads = cache.numKvHeads();
            program.operation(Code.STORE_KV, n, heads * Math.max(cache.headDim(), cache.valueDim()))
                    .x(buffer(k), 0, n * heads * cache.headDim())
                    .y(buffer(v), 0, n * heads * cache.valueDim())
                    .out(cache.keys(chunk).address())
                    .more(cache.values(chunk).address())
                    .cols(cache.valueDim())
                    .p(heads, cache.headDim(), firstPosition - chunk * KvLayer.CHUNK_POSITIONS, isHalf(cache.type()))
                    .commit();
        }
    }

    private static int isHalf(KvType type) {
        return type == KvType.F16 ? 1 : 0;
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
        long sinks = vectors.address(shape.sinks());
        attention.attend(buffer(q), n, firstPosition, shape, cache, choice, sinks, buffer(out));
    }

    @Override
    public void storeIndexKeys(DeviceBuffer keys, int n, int firstPosition, IndexLayer cache) {
        int last = (firstPosition + n - 1) / KvLayer.CHUNK_POSITIONS;
        for (int chunk = firstPosition / KvLayer.CHUNK_POSITIONS; chunk <= last; chunk++) {
            program.operation(Code.STORE_KV, n, cache.dim())
                    .x(buffer(keys))
                    .out(cache.chunk(chunk).bytes().address())
                    .p(1, cache.dim(), firstPosition - chunk * KvLayer.CHUNK_POSITIONS, isHalf(cache.type()))
                    .commit();
        }
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
        indexer.choose(buffer(q), address(weights), n, firstPosition, shape, cache, buffer(out));
    }

    @Override
    public void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache) {
        int last = (firstPosition + n - 1) / LatentLayer.CHUNK_POSITIONS;
        for (int chunk = firstPosition / LatentLayer.CHUNK_POSITIONS; chunk <= last; chunk++) {
            program.operation(Code.STORE_LATENTS, n, cache.latentDim() + cache.ropeDim())
                    .x(buffer(latents), 0, n * cache.latentDim())
                    .y(buffer(keys), 0, n * cache.ropeDim())
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
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        launchBefore(n);
        long sinks = vectors.address(shape.sinks());
        attention.attendLatents(
                buffer(absorbed), buffer(q), n, firstPosition, shape, cache, choice, sinks, buffer(out));
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
        attention.attendSequence(
                buffer(q), n, firstPosition, buffer(k), buffer(v), numKeys, shape, address(bias), buffer(out));
    }

    @Override
    public void route(RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        launchBefore(n);
        routers.route(router, buffer(x), n, outs, choices);
    }

    /// The logits come to the host, whose own code chooses: for an observer, who wants the scores of all experts, and
    /// for rules that are beyond the kernels.
    @Override
    public void route(
            DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        download(logits, n * routing.numExperts());
        for (int token = 0; token < n; token++) {
            int to = token * routing.numExpertsPerToken();
            choice.choose(routing, this.logits, token * routing.numExperts(), correction, ids, weights, to);
        }
    }

    @Override
    public void largest(DeviceBuffer x, int from, int n, int k, Largest out) {
        launchBefore(0);
        largest.find(buffer(x).address(from), n, k, out);
    }

    @Override
    public void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out) {
        launchBefore(0);
        experts.run(batch, buffer(x), buffer(out));
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out) {
        program.operation(Code.WEIGHTED_SUM, n, cols)
                .x(buffer(expertRows), 0, n * k * cols)
                .factors(weights, n * k)
                .out(buffer(out))
                .cols(cols)
                .p(k, 0, 0, 0)
                .commit();
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, ExpertChoices choices, int n, int k, int cols, DeviceBuffer out) {
        program.operation(Code.WEIGHTED_SUM, n, cols)
                .x(buffer(expertRows), 0, n * k * cols)
                .y(address(choices.room()))
                .out(buffer(out))
                .cols(cols)
                .p(k, 0, 0, 0)
                .commit();
    }

    @Override
    public void addRows(
            DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out) {
        TokenProgram sum = program.operation(Code.ADD_ROWS, rows, cols)
                .x(buffer(x), xRow * cols, rows * cols)
                .out(buffer(out))
                .cols(cols);
        if (gateLogit != null) {
            sum.y(buffer(gateLogit), 0, rows);
        }
        sum.commit();
    }

    @Override
    public void clear(DeviceBuffer x, int length) {
        program.operation(Code.CLEAR, length).out(buffer(x)).commit();
    }

    @Override
    public void multiply(DeviceBuffer x, DeviceBuffer y, int length) {
        program.operation(Code.MULTIPLY, length).x(buffer(y)).out(buffer(x)).commit();
    }

    @Override
    public void activate(DeviceBuffer x, int length, Activation activation) {
        Code code = switch (activation) {
            case SIGMOID -> Code.SIGMOID;
            case SILU -> Code.SILU;
            case SOFTPLUS -> Code.SOFTPLUS;
            case GELU -> Code.GELU;
            case GELU_TANH -> Code.GELU_TANH;
            case TANH -> Code.TANH;
        };
        program.operation(code, length).out(buffer(x)).commit();
    }

    @Override
    public void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out) {
        program.operation(Code.ADD_SCALED, rows, cols)
                .x(buffer(x))
                .y(vectors.address(factors))
                .out(buffer(out))
                .cols(cols)
                .commit();
    }

    @Override
    public void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state) {
        launchBefore(n);
        int width = taps.length / channels;
        long tapsAt = vectors.address(taps);
        recurrences.convolve(buffer(x), n, channels, width, tapsAt, vectors.address(bias), buffer(state));
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
        launchBefore(n);
        recurrences.scan(
                buffer(x),
                buffer(step),
                buffer(b),
                buffer(c),
                n,
                channels,
                rates.length / channels,
                vectors.address(rates),
                buffer(state),
                buffer(out));
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
        launchBefore(n);
        recurrences.attend(
                buffer(q),
                buffer(k),
                buffer(v),
                address(step),
                address(strength),
                vectors.address(rates),
                n,
                shape,
                buffer(state),
                buffer(out));
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
        long sinks = vectors.address(shape.rows().sinks());
        attention.attendCompressed(buffer(q), n, firstPosition, shape, recent, entries, choice, sinks, buffer(out));
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
        launchBefore(n);
        long placesAt = vectors.address(places);
        recurrences.compress(
                buffer(values), buffer(gates), placesAt, n, firstPosition, shape, buffer(state), buffer(out));
    }

    @Override
    public void connect(DeviceBuffer mixes, int n, StreamShape shape, DeviceBuffer out) {
        program.operation(Code.CONNECT, n, shape.width())
                .x(buffer(mixes))
                .y(vectors.address(shape.bases()))
                .z(vectors.address(shape.scales()))
                .out(buffer(out))
                .cols(shape.width())
                .alpha(shape.epsilon())
                .p(shape.streams(), shape.iterations(), 0, 0)
                .commit();
    }

    @Override
    public void readStreams(
            DeviceBuffer streams, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer out) {
        program.operation(Code.READ_STREAMS, n, cols)
                .x(buffer(streams), 0, n * shape.streams() * cols)
                .y(buffer(coefficients), 0, n * shape.width())
                .out(buffer(out))
                .cols(cols)
                .p(shape.streams(), shape.width(), 0, 0)
                .commit();
    }

    @Override
    public void writeStreams(
            DeviceBuffer x, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer streams) {
        program.operation(Code.WRITE_STREAMS, n, shape.streams() * cols)
                .x(buffer(x), 0, n * cols)
                .y(buffer(coefficients), 0, n * shape.width())
                .out(buffer(streams))
                .cols(cols)
                .p(shape.streams(), shape.width(), 0, 0)
                .commit();
    }

    /// The logits come to the host, as they do for a choice there.
    @Override
    public void weigh(DeviceBuffer logits, int n, Routing routing, int[] ids, float[] weights) {
        download(logits, n * routing.numExperts());
        for (int token = 0; token < n; token++) {
            int to = token * routing.numExpertsPerToken();
            choice.weigh(routing, this.logits, token * routing.numExperts(), ids, weights, to);
        }
    }

    private void download(DeviceBuffer from, int count) {
        if (logits.length < count) {
            logits = new float[count];
        }
        device.download(from, 0, count, logits, 0);
    }
}
