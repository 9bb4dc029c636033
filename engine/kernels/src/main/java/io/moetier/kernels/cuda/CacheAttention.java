package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.SequenceShape;
import java.lang.foreign.MemorySegment;

/// Attention of all kinds: a launch whose blocks are a head of a token over a span of positions, and where there are
/// several spans, one more that joins them.
final class CacheAttention implements AutoCloseable {
    private static final int THREADS = 256;
    static final int SPAN = 1024;
    static final int MOST_FEW_ADDRESSES = 128;
    static final int MOST_QUERY = 1024;

    /// Floats of intermediate results above which tokens are computed one group after another.
    private static final long MOST_PARTIAL = 1 << 22;

    private final CudaStream stream;
    private final KernelModules kernels;
    private final Staging staging;
    private final ParameterBlock parameter;
    private final Scratch partial;

    // of the launch that is being prepared
    private long out;
    private long sinks;
    private int heads;
    private int valueDim;
    private int position; // of the first token
    private int tokens;
    private int window;
    private int chunk;
    private int numKeys;
    private boolean causal;
    private float scale;
    private int firstSpan;
    private int numSpans;

    CacheAttention(CudaHeap heap, CudaStream stream, KernelModules kernels, Staging staging, ParameterBlock parameter) {
        partial = new Scratch(heap);
        this.stream = stream;
        this.kernels = kernels;
        this.staging = staging;
        this.parameter = parameter;
    }

    /// As [io.moetier.kernels.device.Kernels#attention].
    ///
    /// @param sinkLogits where the logits of sinks are; 0 for none
    void attend(
            CudaBuffer q,
            int n,
            int firstPosition,
            AttentionShape shape,
            KvLayer cache,
            long sinkLogits,
            CudaBuffer results) {
        boolean half = cache.type() == KvType.F16;
        boolean odd = isOdd(cache.type(), shape.headDim(), shape.headDim());
        heads = shape.numHeads();
        valueDim = shape.headDim();
        window = shape.visible().slidingWindow();
        chunk = shape.visible().chunk();
        causal = true;
        scale = shape.scale();
        sinks = sinkLogits;
        long stride = (long) heads * valueDim;
        for (int token = 0; token < n; token += tokens) {
            begin(firstPosition + token, n - token, shape.firstVisible(firstPosition + token));
            out = results.address(token * stride);
            long chunks = stageChunks(cache.addresses(), 2 * chunks());
            StructWriter writer = spans().address(q.address(token * stride))
                    .number(shape.numKvHeads())
                    .flag(shape.tiledHeads());
            writeChunks(writer, cache.addresses(), chunks, 2 * chunks());
            launch(kernels.attend.of(half, odd));
        }
    }

    /// As [io.moetier.kernels.device.Kernels#latentAttention].
    void attendLatents(
            CudaBuffer absorbed,
            CudaBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            CudaBuffer results) {
        boolean half = cache.type() == KvType.F16;
        boolean odd = isOdd(cache.type(), shape.keyDim(), shape.latentDim());
        heads = shape.numHeads();
        valueDim = shape.latentDim();
        window = 0;
        chunk = 0;
        causal = true;
        scale = shape.scale();
        sinks = 0;
        long stride = (long) heads * valueDim;
        for (int token = 0; token < n; token += tokens) {
            begin(firstPosition + token, n - token, 0);
            out = results.address(token * stride);
            long chunks = stageChunks(cache.addresses(), chunks());
            StructWriter writer = spans().address(absorbed.address(token * stride))
                    .address(q.address((long) token * heads * shape.queryDim()))
                    .number(shape.ropeDim())
                    .number(shape.nopeDim());
            writeChunks(writer, cache.addresses(), chunks, chunks());
            launch(kernels.attendLatents.of(half, odd));
        }
    }

    /// As [io.moetier.kernels.device.Kernels#sequenceAttention].
    ///
    /// @param bias where the biases are; 0 for none
    void attendSequence(
            CudaBuffer q,
            int n,
            int firstPosition,
            CudaBuffer k,
            CudaBuffer v,
            int keys,
            SequenceShape shape,
            long bias,
            CudaBuffer results) {
        boolean odd = isOdd(KvType.F32, shape.headDim(), shape.headDim());
        heads = shape.numHeads();
        valueDim = shape.headDim();
        window = 0;
        chunk = 0;
        causal = shape.causal();
        scale = shape.scale();
        sinks = 0;
        long stride = (long) heads * valueDim;
        for (int token = 0; token < n; token += tokens) {
            begin(firstPosition + token, n - token, 0, keys);
            out = results.address(token * stride);
            spans().address(q.address(token * stride))
                    .address(k.address(0))
                    .address(v.address(0))
                    .address(bias)
                    .number(shape.biasReach());
            launch(odd ? kernels.attendSequenceOdd : kernels.attendSequence);
        }
    }

    /// Says whether keys and values fit the shared memory and the threads of a block.
    static boolean hasRoom(KvType type, int keyDim, int valueDim) {
        boolean half = type == KvType.F16;
        int ofThread = isOdd(type, keyDim, valueDim) ? 1 : half ? 8 : 4; // elements of a value
        return keyDim <= MOST_QUERY && valueDim / ofThread <= THREADS;
    }

    /// Says whether keys or values cannot be read sixteen bytes at a time.
    private static boolean isOdd(KvType type, int keyDim, int valueDim) {
        return keyDim * type.bytes() % 16 != 0 || valueDim * type.bytes() % 16 != 0;
    }

    private void begin(int firstPosition, int rest, int firstVisible) {
        begin(firstPosition, rest, firstVisible, firstPosition + rest);
    }

    /// Decides how many of the `rest` tokens are computed together, and over which spans.
    private void begin(int firstPosition, int rest, int firstVisible, int keys) {
        position = firstPosition;
        numKeys = keys;
        firstSpan = firstVisible / SPAN;
        numSpans = (keys - 1) / SPAN - firstSpan + 1;
        tokens = rest;
        if (numSpans > 1) {
            long ofToken = (long) heads * numSpans * (valueDim + 2);
            tokens = Math.clamp(MOST_PARTIAL / ofToken, 1, rest);
        }
    }

    /// Returns how many chunks hold the positions that are there.
    private int chunks() {
        return (numKeys + KvLayer.CHUNK_POSITIONS - 1) / KvLayer.CHUNK_POSITIONS;
    }

    private StructWriter spans() {
        long results = numSpans == 1 ? 0 : partial.reserve((long) tokens * heads * numSpans * (valueDim + 2));
        return parameter
                .begin()
                .address(out)
                .address(results)
                .address(sinks)
                .number(heads)
                .number(valueDim)
                .number(position)
                .number(window)
                .number(chunk)
                .number(firstSpan)
                .number(numSpans)
                .number(numKeys)
                .flag(causal)
                .number(scale);
    }

    /// Returns where a table is on the device if it is too long for the launch, else 0.
    private long stageChunks(MemorySegment table, int addresses) {
        if (addresses <= MOST_FEW_ADDRESSES) {
            return 0;
        }
        long byteSize = (long) addresses * Long.BYTES;
        long offset = staging.reserve(byteSize);
        MemorySegment.copy(table, JAVA_LONG, 0, staging.host(), JAVA_LONG, offset, addresses);
        return staging.send(offset, byteSize);
    }

    private void writeChunks(StructWriter writer, MemorySegment table, long staged, int addresses) {
        writer.address(staged);
        if (staged == 0) {
            MemorySegment.copy(table, JAVA_LONG, 0, parameter.bytes(), JAVA_LONG, writer.at(), addresses);
        }
    }

    private void launch(CudaFunction kernel) {
        kernel.launch(stream, heads, tokens, numSpans, THREADS, parameter);
        if (numSpans > 1) {
            spans();
            kernels.joinSpans.launch(stream, heads, tokens, 1, THREADS, parameter);
        }
    }

    long byteSize() {
        return partial.byteSize();
    }

    @Override
    public void close() {
        partial.close();
    }
}
