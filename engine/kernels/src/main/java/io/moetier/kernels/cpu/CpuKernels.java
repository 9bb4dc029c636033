package io.moetier.kernels.cpu;

import static io.moetier.kernels.cpu.HeapBuffer.floats;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.kernels.device.Operands;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.SequenceShape;
import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The operations on the CPU: checks every size once, then hands the work to the pool in parts.
final class CpuKernels implements Kernels {
    /// Activations of heads that are packed at the same time, about.
    private static final long PACKED_AT_ONCE = 1 << 22;

    private final ColumnPacker packer;
    private final MatrixProducts products;
    private PackedColumns[] columns = PackedColumns.grown(new PackedColumns[0], 1);
    private final ExpertNetworks experts;
    private final AttentionOverCache attention;
    private final AttentionOverLatents latentAttention;
    private final RmsNorm rmsNorm;
    private final LayerNorm layerNorm;
    private final Rope rope;
    private final StoreKv storeKv;
    private final StoreLatents storeLatents;
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
    private final TopK topK;
    private final RowDecoder rowDecoder = new RowDecoder();

    private final Scratch[] scratch;

    /// @param beside the activations of the device beside which experts are computed, if there is one
    CpuKernels(WorkerPool pool, Arithmetic arithmetic, Optional<ActivationType> beside) {
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
        rmsNorm = new RmsNorm(pool, arithmetic, scratch);
        layerNorm = new LayerNorm(pool);
        rope = new Rope(pool);
        storeKv = new StoreKv(pool, arithmetic);
        storeLatents = new StoreLatents(pool);
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
        topK = new TopK(pool);
    }

    /// Returns the bytes of what is kept from one operation to the next.
    long workingBytes() {
        return PackedColumns.byteSize(columns) + experts.byteSize() + Scratch.byteSize(scratch);
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out) {
        int cols = table.cols();
        float[] rows = floats(out, (long) n * cols);
        for (int i = 0; i < n; i++) {
            rowDecoder.decode(table, tokens[from + i], rows, i * cols);
        }
    }

    @Override
    public void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out) {
        Operands.requireNorm(weight, null, cols);
        long length = (long) rows * cols;
        rmsNorm.run(floats(x, length), rows, cols, weight, eps, floats(out, length));
    }

    @Override
    public void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out) {
        Operands.requireNorm(weight, bias, cols);
        long length = (long) rows * cols;
        layerNorm.run(floats(x, length), rows, cols, weight, bias, eps, floats(out, length));
    }

    @Override
    public void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow) {
        float[] inputs = floats(x, ((long) xRow + n) * w.cols());
        float[] outputs = floats(out, ((long) outRow + n) * w.rows());
        if (n > 0) {
            packer.add(w.dtype(), inputs, 0, w.cols(), null, xRow, n, columns[0]);
            packer.run();
            products.add(w, columns[0], outputs, null, outRow);
            products.run();
        }
    }

    @Override
    public void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        Operands.requireAlike(ws, n, outs);
        float[] inputs = floats(x, (long) n * ws[0].cols());
        columns = PackedColumns.grown(columns, ws.length);
        for (int i = 0; i < ws.length; i++) {
            if (firstOfType(ws, i) == i) {
                packer.add(ws[i].dtype(), inputs, 0, ws[i].cols(), null, 0, n, columns[i]);
            }
        }
        packer.run();
        for (int i = 0; i < ws.length; i++) {
            products.add(ws[i], columns[firstOfType(ws, i)], floats(outs[i], (long) n * ws[i].rows()), null, 0);
        }
        products.run();
    }

    @Override
    public void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out) {
        int rows = ws[0].rows();
        int cols = ws[0].cols();
        Operands.requirePerHead(ws, headDim);
        float[] inputs = floats(x, (long) n * ws.length * headDim);
        float[] outputs = floats(out, (long) n * ws.length * rows);
        int together = Math.clamp(PACKED_AT_ONCE / Math.max(1L, (long) n * cols), 1, ws.length);
        columns = PackedColumns.grown(columns, together);
        for (int first = 0; n > 0 && first < ws.length; first += together) {
            int end = Math.min(first + together, ws.length);
            for (int h = first; h < end; h++) {
                PackedColumns packed = columns[h - first];
                packer.addStrided(ws[h].dtype(), inputs, h * headDim, ws.length * headDim, cols, n, packed);
            }
            packer.run();
            for (int h = first; h < end; h++) {
                products.addStrided(ws[h], columns[h - first], outputs, h * rows, ws.length * rows);
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
        if (n > 0) {
            float[] inputs = floats(x, (largest(rows, from, n) + 1L) * w.cols());
            float[] outputs = floats(out, (largest(outRows, from, n) + 1L) * w.rows());
            packer.add(w.dtype(), inputs, 0, w.cols(), rows, from, n, columns[0]);
            packer.run();
            products.add(w, columns[0], outputs, outRows, from);
            products.run();
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
        float[] values = floats(x, (long) rows * cols);
        addBias.run(values, rows, cols, bias);
    }

    @Override
    public void clamp(DeviceBuffer x, int length, float limit) {
        float[] values = floats(x, length);
        clamp.run(values, length, limit);
    }

    @Override
    public void copy(DeviceBuffer x, int length, DeviceBuffer out) {
        System.arraycopy(floats(x, length), 0, floats(out, length), 0, length);
    }

    @Override
    public void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out) {
        float[] inputs = floats(x, 0);
        float[] outputs = floats(out, 0);
        for (int i = from; i < from + n; i++) {
            System.arraycopy(inputs, rows[i] * cols, outputs, outRows[i] * cols, cols);
        }
    }

    @Override
    public void appendRows(DeviceBuffer x, int rows, int cols, DeviceBuffer out, int outRow) {
        float[] to = floats(out, ((long) outRow + rows) * cols);
        System.arraycopy(floats(x, (long) rows * cols), 0, to, outRow * cols, rows * cols);
    }

    @Override
    public void scale(DeviceBuffer x, int length, float factor) {
        scale.run(floats(x, length), length, factor);
    }

    @Override
    public void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out) {
        Operands.requireFactors(factors, n, k);
        long length = (long) n * cols;
        scaleRows.run(floats(x, length), factors, n, k, cols, floats(out, length * k));
    }

    @Override
    public void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out) {
        combine.run(floats(x, length), alpha, floats(y, length), beta, length, floats(out, length));
    }

    @Override
    public void add(DeviceBuffer x, DeviceBuffer y, int length) {
        add.run(floats(x, length), floats(y, length), length);
    }

    @Override
    public void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table) {
        Operands.requireRotation(table, headDim, from);
        rope.run(floats(x, (long) n * heads * headDim), n, heads, headDim, from, firstPosition, table);
    }

    @Override
    public void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache) {
        long length = (long) n * cache.numKvHeads() * cache.headDim();
        cache.reserve(firstPosition + n);
        storeKv.run(floats(k, length), floats(v, length), n, firstPosition, cache);
    }

    @Override
    public void attention(
            DeviceBuffer q, int n, int firstPosition, AttentionShape shape, KvLayer cache, DeviceBuffer out) {
        Operands.requireSuits(cache, shape);
        long length = (long) n * shape.numHeads() * shape.headDim();
        attention.run(floats(q, length), n, firstPosition, shape, cache, floats(out, length));
    }

    @Override
    public void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache) {
        cache.reserve(firstPosition + n);
        storeLatents.run(
                floats(latents, (long) n * cache.latentDim()),
                floats(keys, (long) n * cache.ropeDim()),
                n,
                firstPosition,
                cache);
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
        float[] queries = floats(q, (long) n * shape.numHeads() * shape.queryDim());
        latentAttention.run(floats(absorbed, length), queries, n, firstPosition, shape, cache, floats(out, length));
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
        sequenceScores.run(
                floats(q, n * width),
                n,
                firstPosition,
                floats(k, numKeys * width),
                floats(v, numKeys * width),
                numKeys,
                shape,
                bias == null ? null : floats(bias, shape.numHeads() * (2L * shape.biasReach() + 1)),
                floats(out, n * width));
    }

    @Override
    public void route(
            DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        topK.run(floats(logits, (long) n * routing.numExperts()), n, routing, correction, ids, weights);
    }

    @Override
    public void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out) {
        if (batch.size() > 0) {
            float[] inputs =
                    floats(x, (batch.largestRow() + 1L) * batch.get(0).up().cols());
            float[] outputs = floats(
                    out, (batch.largestOutRow() + 1L) * batch.get(0).down().rows());
            experts.run(batch, inputs, outputs);
        }
    }

    @Override
    public void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out) {
        Operands.requireFactors(weights, n, k);
        long length = (long) n * cols;
        weightedSum.run(floats(expertRows, length * k), weights, n, k, cols, floats(out, length));
    }

    @Override
    public void addRows(
            DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out) {
        float[] values = floats(x, ((long) xRow + rows) * cols);
        float @Nullable [] logits = gateLogit == null ? null : floats(gateLogit, rows);
        addRows.run(values, xRow, logits, rows, cols, floats(out, (long) rows * cols));
    }

    @Override
    public void largest(DeviceBuffer x, int from, int n, int k, Largest out) {
        Operands.requireFew(k);
        out.find(floats(x, (long) from + n), from, n, k);
    }

    @Override
    public void clear(DeviceBuffer x, int length) {
        Arrays.fill(floats(x, length), 0, length, 0f);
    }

    @Override
    public void multiply(DeviceBuffer x, DeviceBuffer y, int length) {
        multiply.run(floats(x, length), floats(y, length), length);
    }

    @Override
    public void activate(DeviceBuffer x, int length, Activation activation) {
        activate.run(floats(x, length), length, activation);
    }

    @Override
    public void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out) {
        Operands.requireColumns(factors, "factors", cols);
        long length = (long) rows * cols;
        addScaled.run(floats(x, length), rows, cols, factors, floats(out, length));
    }

    @Override
    public void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state) {
        Operands.requireConvolution(taps, bias, channels);
        convolution.run(floats(x, (long) n * channels), n, channels, taps, bias, floats(state, taps.length));
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
        long length = (long) n * channels;
        long selections = (long) n * (rates.length / channels);
        scan.run(
                floats(x, length),
                floats(step, length),
                floats(b, selections),
                floats(c, selections),
                n,
                channels,
                rates,
                floats(state, rates.length),
                floats(out, length));
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
        long keys = (long) n * shape.numKeyHeads() * shape.keyDim();
        long values = (long) n * shape.numValueHeads() * shape.valueDim();
        long scalars = (long) n * shape.numValueHeads();
        linearAttention.run(
                floats(q, keys),
                floats(k, keys),
                floats(v, values),
                step == null ? null : floats(step, scalars),
                strength == null ? null : floats(strength, scalars),
                rates,
                n,
                shape,
                floats(state, shape.stateSize()),
                floats(out, values));
    }
}
