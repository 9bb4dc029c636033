package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.SequenceShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Attention of all kinds: a launch whose blocks are a head of a token over a span of positions, and where there are
/// several spans, one more that joins them.
final class CacheAttention implements AutoCloseable {
    private static final int THREADS = 256;
    static final int SPAN = 1024;
    static final int MOST_QUERY = 1024;

    /// Floats of intermediate results above which tokens are computed one group after another.
    static final long MOST_PARTIAL = 1 << 22;

    private final CudaStream stream;
    private final KernelModules kernels;
    private final ChunkTable table;
    private final ParameterBlock parameter;
    private final Scratch partial;
    private MemorySegment joined = MemorySegment.NULL; // addresses of two caches

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
    private int positions;
    private @Nullable KeyBlocks chosen;
    private boolean causal;
    private float scale;
    private int firstSpan;
    private int numSpans;

    CacheAttention(CudaHeap heap, CudaStream stream, KernelModules kernels, Staging staging, ParameterBlock parameter) {
        partial = new Scratch(heap);
        this.stream = stream;
        this.kernels = kernels;
        this.parameter = parameter;
        table = new ChunkTable(staging, parameter);
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
            @Nullable KeyChoice choice,
            long sinkLogits,
            CudaBuffer results) {
        boolean half = cache.type() == KvType.F16;
        boolean odd = isOdd(cache.type(), shape.headDim(), shape.valueDim());
        chosen = choice == null ? null : choice.shape();
        heads = shape.numHeads();
        valueDim = shape.valueDim();
        window = shape.visible().slidingWindow();
        chunk = shape.visible().chunk();
        causal = true;
        scale = shape.scale();
        sinks = sinkLogits;
        long stride = (long) heads * valueDim;
        for (int token = 0; token < n; token += tokens) {
            begin(firstPosition + token, n - token, shape.firstVisible(firstPosition + token));
            out = results.address(token * stride);
            long chunks = table.stage(cache.addresses(), 2 * chunks());
            StructWriter writer = spans().address(q.address((long) token * heads * shape.headDim()))
                    .number(shape.headDim())
                    .number(shape.numKvHeads())
                    .flag(shape.tiledHeads());
            writeChoice(writer, choice, token);
            table.write(writer, cache.addresses(), chunks, 2 * chunks());
            boolean apart = choice != null && choice.shape().length() % (half ? 8 : 4) != 0; // neighbours of a lane
            launch(choice == null ? kernels.attend.of(half, odd) : kernels.attendChosen.of(half, odd || apart));
        }
    }

    /// Writes which blocks of keys were chosen for the tokens from `token` on.
    private static void writeChoice(StructWriter writer, @Nullable KeyChoice choice, int token) {
        if (choice == null) {
            writer.address(0).number(0).number(0).number(0);
        } else {
            KeyBlocks shape = choice.shape();
            writer.address(address(choice, token))
                    .number(shape.numHeads())
                    .number(shape.most())
                    .number(shape.length());
        }
    }

    /// As [io.moetier.kernels.device.Kernels#latentAttention].
    ///
    /// @param sinkLogits where the logits of sinks are; 0 for none
    void attendLatents(
            CudaBuffer absorbed,
            CudaBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            @Nullable KeyChoice choice,
            long sinkLogits,
            CudaBuffer results) {
        boolean half = cache.type() == KvType.F16;
        boolean odd = isOdd(cache.type(), shape.keyDim(), shape.latentDim());
        chosen = choice == null ? null : choice.shape();
        heads = shape.numHeads();
        valueDim = shape.latentDim();
        window = 0;
        chunk = 0;
        causal = true;
        scale = shape.scale();
        sinks = sinkLogits;
        long stride = (long) heads * valueDim;
        for (int token = 0; token < n; token += tokens) {
            begin(firstPosition + token, n - token, 0);
            out = results.address(token * stride);
            long chunks = table.stage(cache.addresses(), chunks());
            StructWriter writer = spans().address(absorbed.address(token * stride))
                    .address(q.address((long) token * heads * shape.queryDim()))
                    .number(shape.ropeDim())
                    .number(shape.nopeDim());
            writeChoice(writer, choice, token);
            table.write(writer, cache.addresses(), chunks, chunks());
            launch((choice == null ? kernels.attendLatents : kernels.attendChosenLatents).of(half, odd));
        }
    }

    /// As [io.moetier.kernels.device.Kernels#compressedAttention].
    ///
    /// @param sinkLogits where the logits of sinks are; 0 for none
    void attendCompressed(
            CudaBuffer q,
            int n,
            int firstPosition,
            CompressedShape shape,
            LatentLayer recent,
            @Nullable LatentLayer entries,
            @Nullable KeyChoice choice,
            long sinkLogits,
            CudaBuffer results) {
        boolean odd = isOdd(recent.type(), shape.headDim(), shape.headDim());
        KeyBlocks read = choice == null ? null : choice.shape();
        chosen = read;
        heads = shape.numHeads();
        valueDim = shape.headDim();
        window = 0;
        chunk = 0;
        causal = true;
        scale = shape.rows().scale();
        sinks = sinkLogits;
        int last = firstPosition + n - 1;
        int entryChunks = entries == null ? 0 : Math.ceilDiv(shape.entries(last), LatentLayer.CHUNK_POSITIONS);
        int chunks = entryChunks + Math.ceilDiv(last + 1, LatentLayer.CHUNK_POSITIONS);
        MemorySegment addresses = joined(entries, entryChunks, recent, chunks - entryChunks);
        long stride = (long) heads * valueDim;
        for (int token = 0; token < n; token += tokens) {
            begin(firstPosition + token, n - token, 0, shape.read(last, read) + shape.recent(last));
            out = results.address(token * stride);
            long staged = table.stage(addresses, chunks);
            StructWriter writer = spans().address(q.address(token * stride))
                    .address(choice == null ? 0 : address(choice, token))
                    .number(read == null ? 0 : read.most())
                    .number(shape.rate())
                    .number(shape.window())
                    .number(entryChunks);
            table.write(writer, addresses, staged, chunks);
            launch(kernels.attendCompressed.of(recent.type() == KvType.F16, odd));
        }
    }

    /// Returns where the chunks of entries are and, behind them, those of positions.
    private MemorySegment joined(@Nullable LatentLayer entries, int entryChunks, LatentLayer recent, int chunks) {
        long byteSize = (long) (entryChunks + chunks) * Long.BYTES;
        if (joined.byteSize() < byteSize) {
            joined = Arena.ofAuto().allocate(2 * byteSize, Long.BYTES);
        }
        if (entries != null) {
            MemorySegment.copy(entries.addresses(), JAVA_LONG, 0, joined, JAVA_LONG, 0, entryChunks);
        }
        long behind = (long) entryChunks * Long.BYTES;
        MemorySegment.copy(recent.addresses(), JAVA_LONG, 0, joined, JAVA_LONG, behind, chunks);
        return joined;
    }

    private static long address(KeyChoice choice, int token) {
        return ((CudaBuffer) choice.blocks())
                .address((long) token * choice.shape().floats());
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
        chosen = null;
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
        positions = firstPosition + rest;
        begin(firstPosition, rest, firstVisible, chosen == null ? positions : chosen.keys(positions - 1));
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
        return Math.ceilDiv(positions, KvLayer.CHUNK_POSITIONS);
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
