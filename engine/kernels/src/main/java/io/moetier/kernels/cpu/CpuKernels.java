package io.moetier.kernels.cpu;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.attention.AttentionOverCache;
import io.moetier.kernels.cpu.attention.AttentionOverEntries;
import io.moetier.kernels.cpu.attention.AttentionOverLatents;
import io.moetier.kernels.cpu.attention.CausalConvolution;
import io.moetier.kernels.cpu.attention.EntryPooling;
import io.moetier.kernels.cpu.attention.Indexer;
import io.moetier.kernels.cpu.attention.LinearAttention;
import io.moetier.kernels.cpu.attention.MutualAttention;
import io.moetier.kernels.cpu.attention.SelectiveScan;
import io.moetier.kernels.cpu.attention.SequenceScores;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.cpu.products.ColumnPacker;
import io.moetier.kernels.cpu.products.ExpertNetworks;
import io.moetier.kernels.cpu.products.ExpertProducts;
import io.moetier.kernels.cpu.products.ExpertsBeside;
import io.moetier.kernels.cpu.products.MatrixProducts;
import io.moetier.kernels.cpu.rows.Activate;
import io.moetier.kernels.cpu.rows.Add;
import io.moetier.kernels.cpu.rows.AddBias;
import io.moetier.kernels.cpu.rows.AddRows;
import io.moetier.kernels.cpu.rows.AddScaled;
import io.moetier.kernels.cpu.rows.Clamp;
import io.moetier.kernels.cpu.rows.Combine;
import io.moetier.kernels.cpu.rows.Connect;
import io.moetier.kernels.cpu.rows.LayerNorm;
import io.moetier.kernels.cpu.rows.Multiply;
import io.moetier.kernels.cpu.rows.ReadStreams;
import io.moetier.kernels.cpu.rows.RmsNorm;
import io.moetier.kernels.cpu.rows.Rope;
import io.moetier.kernels.cpu.rows.Scale;
import io.moetier.kernels.cpu.rows.ScaleRows;
import io.moetier.kernels.cpu.rows.StoreIndexKeys;
import io.moetier.kernels.cpu.rows.StoreKv;
import io.moetier.kernels.cpu.rows.StoreLatents;
import io.moetier.kernels.cpu.rows.TopK;
import io.moetier.kernels.cpu.rows.WeightedSum;
import io.moetier.kernels.cpu.rows.WriteStreams;
import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.Backend;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertChoice;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.SequenceShape;
import io.moetier.kernels.device.StreamShape;
import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The operations on the CPU: each hands its operands to the job that has the pool do the work in parts.
final class CpuKernels implements Backend {
    /// Activations of heads that are packed at the same time, about.
    private static final long PACKED_AT_ONCE = 1 << 22;

    private static final float[] NOTHING = {};

    private final ColumnPacker packer;
    private final MatrixProducts products;
    private PackedColumns[] columns = PackedColumns.grown(new PackedColumns[0], 1);
    private final ExpertNetworks experts;
    private final AttentionOverCache attention;
    private final AttentionOverLatents latentAttention;
    private final AttentionOverEntries compressedAttention;
    private final EntryPooling pooling;
    private final Indexer indexer;
    private final Connect connect;
    private final ReadStreams readStreams;
    private final WriteStreams writeStreams;
    private final RmsNorm rmsNorm;
    private final LayerNorm layerNorm;
    private final Rope rope;
    private final StoreKv storeKv;
    private final StoreLatents storeLatents;
    private final StoreIndexKeys storeIndexKeys;
    private final Add add;
    private final Multiply multiply;
    private final Combine combine;
    private final Scale scale;
    private final Clamp clamp;
    private final Activate activate;
    private final AddBias addBias;
    private final AddScaled addScaled;
    private final AddRows addRows;
    private final ScaleRows scaleRows;
    private final WeightedSum weightedSum;
    private final CausalConvolution convolution;
    private final SelectiveScan scan;
    private final LinearAttention linearAttention;
    private final SequenceScores sequenceScores;
    private final MutualAttention mutualAttention;
    private final TopK topK;
    private final ExpertChoice choice = new ExpertChoice();
    private final RowDecoder rowDecoder = new RowDecoder();
    private final WorkerPool pool;
    private final Scratch[] scratch;

    /// @param beside the activations of the device beside which experts are computed, if there is one
    CpuKernels(WorkerPool pool, Arithmetic arithmetic, Optional<ActivationType> beside) {
        this.pool = pool;
        scratch = new Scratch[pool.threads()];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = new Scratch();
        }
        packer = new ColumnPacker(pool, arithmetic);
        products = new MatrixProducts(pool, arithmetic, scratch);
        ExpertNetworks asRounded = new ExpertProducts(packer, products);
        experts = beside.<ExpertNetworks>map(activations ->
                        new ExpertsBeside(pool, arithmetic, scratch, packer, products, asRounded, activations))
                .orElse(asRounded);
        attention = new AttentionOverCache(pool, arithmetic, scratch);
        latentAttention = new AttentionOverLatents(pool, arithmetic, scratch);
        compressedAttention = new AttentionOverEntries(pool, arithmetic, scratch);
        pooling = new EntryPooling(pool);
        indexer = new Indexer(pool, arithmetic, scratch);
        connect = new Connect(pool);
        readStreams = new ReadStreams(pool);
        writeStreams = new WriteStreams(pool);
        rmsNorm = new RmsNorm(pool, arithmetic, scratch);
        layerNorm = new LayerNorm(pool);
        rope = new Rope(pool);
        storeKv = new StoreKv(pool, arithmetic);
        storeLatents = new StoreLatents(pool);
        storeIndexKeys = new StoreIndexKeys(pool);
        add = new Add(pool);
        multiply = new Multiply(pool);
        combine = new Combine(pool);
        scale = new Scale(pool);
        clamp = new Clamp(pool);
        activate = new Activate(pool);
        addBias = new AddBias(pool);
        addScaled = new AddScaled(pool);
        addRows = new AddRows(pool);
        scaleRows = new ScaleRows(pool);
        weightedSum = new WeightedSum(pool);
        convolution = new CausalConvolution(pool);
        scan = new SelectiveScan(pool);
        linearAttention = new LinearAttention(pool, scratch);
        sequenceScores = new SequenceScores(pool);
        mutualAttention = new MutualAttention(pool, arithmetic, scratch);
        topK = new TopK(pool);
    }

    /// Returns the bytes of what is kept from one operation to the next.
    long workingBytes() {
        return PackedColumns.byteSize(columns)
                + experts.byteSize()
                + indexer.byteSize()
                + mutualAttention.byteSize()
                + Scratch.byteSize(scratch);
    }

    @Override
    public void enter() {
        pool.requireOpen();
    }

    @Override
    public boolean owns(DeviceBuffer buffer) {
        return buffer instanceof HeapBuffer heap && heap.owner() == pool;
    }

    private static float[] floats(DeviceBuffer buffer) {
        return ((HeapBuffer) buffer).floats();
    }

    private static float @Nullable [] optional(@Nullable DeviceBuffer buffer) {
        return buffer == null ? null : floats(buffer);
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out) {
        for (int i = 0; i < n; i++) {
            rowDecoder.decode(table, tokens[from + i], floats(out), i * table.cols());
        }
    }

    @Override
    public void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out) {
        rmsNorm.run(floats(x), rows, cols, weight, eps, floats(out));
    }

    @Override
    public void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out) {
        layerNorm.run(floats(x), rows, cols, weight, bias, eps, floats(out));
    }

    @Override
    public void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow) {
        packer.add(w.dtype(), floats(x), 0, w.cols(), null, xRow, n, columns[0]);
        packer.run();
        products.add(w, columns[0], floats(out), null, outRow);
        products.run();
    }

    @Override
    public void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        columns = PackedColumns.grown(columns, ws.length);
        for (int i = 0; i < ws.length; i++) {
            if (firstOfType(ws, i) == i) {
                packer.add(ws[i].dtype(), floats(x), 0, ws[i].cols(), null, 0, n, columns[i]);
            }
        }
        packer.run();
        for (int i = 0; i < ws.length; i++) {
            products.add(ws[i], columns[firstOfType(ws, i)], floats(outs[i]), null, 0);
        }
        products.run();
    }

    @Override
    public void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out) {
        int rows = ws[0].rows();
        int cols = ws[0].cols();
        int together = Math.clamp(PACKED_AT_ONCE / ((long) n * cols), 1, ws.length);
        columns = PackedColumns.grown(columns, together);
        for (int first = 0; first < ws.length; first += together) {
            int end = Math.min(first + together, ws.length);
            for (int h = first; h < end; h++) {
                PackedColumns packed = columns[h - first];
                packer.addStrided(ws[h].dtype(), floats(x), h * headDim, ws.length * headDim, cols, n, packed);
            }
            packer.run();
            for (int h = first; h < end; h++) {
                products.addStrided(ws[h], columns[h - first], floats(out), h * rows, ws.length * rows);
            }
            products.run();
        }
    }

    /// Returns the first matrix of the type of matrix `i`: they share their packed columns.
    private static int firstOfType(WeightMatrix[] ws, int i) {
        int first = 0;
        while (ws[first].dtype() != ws[i].dtype()) {
            first++;
        }
        return first;
    }

    @Override
    public void matmulRows(
            WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows) {
        packer.add(w.dtype(), floats(x), 0, w.cols(), rows, from, n, columns[0]);
        packer.run();
        products.add(w, columns[0], floats(out), outRows, from);
        products.run();
    }

    @Override
    public void addBias(DeviceBuffer x, int rows, int cols, float[] bias) {
        addBias.run(floats(x), rows, cols, bias);
    }

    @Override
    public void clamp(DeviceBuffer x, int length, float limit) {
        clamp.run(floats(x), length, limit);
    }

    @Override
    public void copy(DeviceBuffer x, int length, DeviceBuffer out, int outAt) {
        System.arraycopy(floats(x), 0, floats(out), outAt, length);
    }

    @Override
    public void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out) {
        for (int i = from; i < from + n; i++) {
            System.arraycopy(floats(x), rows[i] * cols, floats(out), outRows[i] * cols, cols);
        }
    }

    @Override
    public void scale(DeviceBuffer x, int length, float factor) {
        scale.run(floats(x), length, factor);
    }

    @Override
    public void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out) {
        scaleRows.run(floats(x), factors, n, k, cols, floats(out));
    }

    @Override
    public void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out) {
        combine.run(floats(x), alpha, floats(y), beta, length, floats(out));
    }

    @Override
    public void add(DeviceBuffer x, DeviceBuffer y, int length) {
        add.run(floats(x), floats(y), length);
    }

    @Override
    public void forget(RopeTable table) {
        // angles are read where they are
    }

    @Override
    public void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table) {
        rope.run(floats(x), n, heads, headDim, from, firstPosition, table);
    }

    @Override
    public void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache) {
        storeKv.run(floats(k), floats(v), n, firstPosition, cache);
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
        float[] blocks = choice == null ? NOTHING : floats(choice.blocks());
        attention.run(floats(q), n, firstPosition, shape, cache, blocks, shapeOf(choice), floats(out));
    }

    private static @Nullable KeyBlocks shapeOf(@Nullable KeyChoice choice) {
        return choice == null ? null : choice.shape();
    }

    @Override
    public void storeIndexKeys(DeviceBuffer keys, int n, int firstPosition, IndexLayer cache) {
        storeIndexKeys.run(floats(keys), n, firstPosition, cache);
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
        indexer.run(floats(q), optional(weights), n, firstPosition, shape, cache, floats(out));
    }

    @Override
    public void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache) {
        storeLatents.run(floats(latents), floats(keys), n, firstPosition, cache);
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
        float[] blocks = choice == null ? NOTHING : floats(choice.blocks());
        KeyBlocks chosen = shapeOf(choice);
        latentAttention.run(floats(absorbed), floats(q), n, firstPosition, shape, cache, blocks, chosen, floats(out));
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
        sequenceScores.run(
                floats(q), n, firstPosition, floats(k), floats(v), numKeys, shape, optional(bias), floats(out));
    }

    @Override
    public void mutualAttention(
            DeviceBuffer q, DeviceBuffer k, DeviceBuffer v, int n, SequenceShape shape, DeviceBuffer out) {
        mutualAttention.run(floats(q), floats(k), floats(v), n, shape, floats(out));
    }

    @Override
    public void route(
            DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        topK.run(floats(logits), n, routing, correction, ids, weights);
    }

    @Override
    public void largest(DeviceBuffer x, int from, int n, int k, Largest out) {
        out.find(floats(x), from, n, k);
    }

    @Override
    public void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out) {
        experts.run(batch, floats(x), floats(out));
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out) {
        weightedSum.run(floats(expertRows), weights, n, k, cols, floats(out));
    }

    @Override
    public void addRows(
            DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out) {
        addRows.run(floats(x), xRow, optional(gateLogit), rows, cols, floats(out));
    }

    @Override
    public void clear(DeviceBuffer x, int length) {
        Arrays.fill(floats(x), 0, length, 0f);
    }

    @Override
    public void multiply(DeviceBuffer x, DeviceBuffer y, int length) {
        multiply.run(floats(x), floats(y), length);
    }

    @Override
    public void activate(DeviceBuffer x, int length, Activation activation) {
        activate.run(floats(x), length, activation);
    }

    @Override
    public void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out) {
        addScaled.run(floats(x), rows, cols, factors, floats(out));
    }

    @Override
    public void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state) {
        convolution.run(floats(x), n, channels, taps, bias, floats(state));
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
        scan.run(floats(x), floats(step), floats(b), floats(c), n, channels, rates, floats(state), floats(out));
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
        linearAttention.run(
                floats(q),
                floats(k),
                floats(v),
                optional(step),
                optional(strength),
                rates,
                n,
                shape,
                floats(state),
                floats(out));
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
        float[] blocks = choice == null ? NOTHING : floats(choice.blocks());
        compressedAttention.run(
                floats(q), n, firstPosition, shape, recent, entries, blocks, shapeOf(choice), floats(out));
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
        pooling.run(floats(values), floats(gates), places, n, firstPosition, shape, floats(state), floats(out));
    }

    @Override
    public void connect(DeviceBuffer mixes, int n, StreamShape shape, DeviceBuffer out) {
        connect.run(floats(mixes), n, shape, floats(out));
    }

    @Override
    public void readStreams(
            DeviceBuffer streams, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer out) {
        readStreams.run(floats(streams), floats(coefficients), n, shape.streams(), shape.width(), cols, floats(out));
    }

    @Override
    public void writeStreams(
            DeviceBuffer x, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer streams) {
        writeStreams.run(floats(x), floats(coefficients), n, shape, cols, floats(streams));
    }

    @Override
    public void weigh(DeviceBuffer logits, int n, Routing routing, int[] ids, float[] weights) {
        for (int token = 0; token < n; token++) {
            int to = token * routing.numExpertsPerToken();
            choice.weigh(routing, floats(logits), token * routing.numExperts(), ids, weights, to);
        }
    }
}
