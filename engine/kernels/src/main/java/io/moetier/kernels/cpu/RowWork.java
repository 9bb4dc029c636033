package io.moetier.kernels.cpu;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.RopeTable;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Operations that treat each row by itself, cut by rows. Plain loops are enough for them: the compiler vectorises
/// what has no sum in it.
///
/// One operation at a time: the fields are the arguments of the one that runs.
final class RowWork {
    /// Elements that are one row where rows do not matter.
    private static final int BLOCK = 1024;

    /// An element of a key lies in a line of memory of its own, which takes as long as so many in a row.
    private static final int STORED = 16;

    /// Above, `log(1 + exp(x))` rounds to `x`.
    private static final float LINEAR_SOFTPLUS = 20f;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final WorkerPool.Job normalise = this::normalise;
    private final WorkerPool.Job centre = this::centre;
    private final WorkerPool.Job rotate = this::rotate;
    private final WorkerPool.Job store = this::store;
    private final WorkerPool.Job storeLatents = this::storeLatents;
    private final WorkerPool.Job combine = this::combine;
    private final WorkerPool.Job add = this::add;
    private final WorkerPool.Job clamp = this::clamp;
    private final WorkerPool.Job scale = this::scale;
    private final WorkerPool.Job mix = this::mix;
    private final WorkerPool.Job addBias = this::addBias;
    private final WorkerPool.Job scaleRows = this::scaleRows;
    private final WorkerPool.Job addRows = this::addRows;
    private final WorkerPool.Job addGated = this::addGated;
    private final WorkerPool.Job addWeighted = this::addWeighted;
    private final WorkerPool.Job multiply = this::multiply;
    private final WorkerPool.Job activate = this::activate;
    private float[] x = new float[0];
    private float[] y = x;
    private float[] out = x;
    private int rows;
    private int cols;
    private int parts;
    private float eps;
    private Activation activation = Activation.SILU;
    private float alpha;
    private float beta;
    private float @Nullable [] bias;
    private int k;
    private int length;
    private int blocksOfRow;
    private int heads;
    private int headDim;
    private int firstPosition;
    private int rotated; // first rotated element of a head
    private @Nullable RopeTable rope;
    private RopeTable.@Nullable Angles angles;
    private @Nullable KvLayer cache;
    private @Nullable LatentLayer latentCache;

    RowWork(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    void rmsNorm(float[] x, int rows, int cols, float[] weight, float eps, float[] out) {
        this.x = x;
        this.y = weight;
        this.eps = eps;
        this.out = out;
        run(normalise, rows, cols);
    }

    private void normalise(int part, int worker) {
        int from = from(part);
        arithmetic.rmsNorm(x, from * cols, from(part + 1) - from, cols, y, eps, out, scratch[worker]);
    }

    /// As [io.moetier.kernels.device.Kernels#layerNorm]; mean and variance are summed in double.
    void layerNorm(float[] x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, float[] out) {
        this.x = x;
        this.y = weight;
        this.bias = bias;
        this.eps = eps;
        this.out = out;
        run(centre, rows, cols);
    }

    private void centre(int part, int worker) {
        for (int row = from(part); row < from(part + 1); row++) {
            centre(row * cols);
        }
    }

    private void centre(int at) {
        double sum = 0;
        for (int i = 0; i < cols; i++) {
            sum += x[at + i];
        }
        double mean = sum / cols;
        double squares = 0;
        for (int i = 0; i < cols; i++) {
            squares += (x[at + i] - mean) * (x[at + i] - mean);
        }
        double factor = 1 / Math.sqrt(squares / cols + eps);
        for (int i = 0; i < cols; i++) {
            float normed = (float) ((x[at + i] - mean) * factor) * y[i];
            out[at + i] = bias == null ? normed : normed + bias[i];
        }
    }

    void rope(float[] x, int n, int heads, int headDim, int rotated, int firstPosition, RopeTable table) {
        this.x = x;
        this.heads = heads;
        this.headDim = headDim;
        this.rotated = rotated;
        this.firstPosition = firstPosition;
        this.rope = table;
        this.angles = table.reserve(firstPosition + n);
        run(rotate, n, heads * headDim);
    }

    private void rotate(int part, int worker) {
        RopeTable.Angles table = Objects.requireNonNull(angles);
        RopeTable pairs = Objects.requireNonNull(rope);
        int half = pairs.rotaryDim() / 2;
        int step = pairs.interleaved() ? 2 : 1;
        int apart = pairs.interleaved() ? 1 : half;
        for (int row = from(part); row < from(part + 1); row++) {
            for (int head = 0; head < heads; head++) {
                int at = row * cols + head * headDim + rotated;
                rotate(x, at, half, step, apart, table.cos(), table.sin(), (firstPosition + row) * half);
            }
        }
    }

    private static void rotate(
            float[] x, int at, int half, int step, int apart, float[] cos, float[] sin, int angleAt) {
        for (int i = 0; i < half; i++) {
            int first = at + i * step;
            float a = x[first];
            float b = x[first + apart];
            x[first] = a * cos[angleAt + i] - b * sin[angleAt + i];
            x[first + apart] = b * cos[angleAt + i] + a * sin[angleAt + i];
        }
    }

    void storeKv(float[] k, float[] v, int n, int firstPosition, KvLayer cache) {
        this.x = k;
        this.y = v;
        this.firstPosition = firstPosition;
        this.cache = cache;
        run(store, n * cache.numKvHeads(), cache.headDim() * STORED);
    }

    private void store(int part, int worker) {
        arithmetic.store(x, y, firstPosition, Objects.requireNonNull(cache), from(part), from(part + 1));
    }

    void storeLatents(float[] latents, float[] keys, int n, int firstPosition, LatentLayer cache) {
        this.x = latents;
        this.y = keys;
        this.firstPosition = firstPosition;
        this.latentCache = cache;
        run(storeLatents, n, cache.latentDim() + cache.ropeDim());
    }

    private void storeLatents(int part, int worker) {
        LatentLayer latents = Objects.requireNonNull(latentCache);
        for (int row = from(part); row < from(part + 1); row++) {
            latents.store(firstPosition + row, x, row * latents.latentDim(), y, row * latents.ropeDim());
        }
    }

    void add(float[] x, float[] y, int length) {
        this.x = x;
        this.y = y;
        runElements(add, length);
    }

    private void add(int part, int worker) {
        int at = from(part) * BLOCK;
        addScaled(y, at, 1f, x, at, element(part + 1) - at);
    }

    void clamp(float[] x, int length, float alpha) {
        this.x = x;
        this.alpha = alpha;
        runElements(clamp, length);
    }

    private void clamp(int part, int worker) {
        int end = element(part + 1);
        for (int i = from(part) * BLOCK; i < end; i++) {
            x[i] = Math.min(Math.max(x[i], -alpha), alpha);
        }
    }

    void scale(float[] x, int length, float factor) {
        this.x = x;
        this.alpha = factor;
        runElements(scale, length);
    }

    private void scale(int part, int worker) {
        int at = from(part) * BLOCK;
        scale(x, at, alpha, x, at, element(part + 1) - at);
    }

    /// `out = alpha * x + beta * y`.
    void mix(float[] x, float alpha, float[] y, float beta, int length, float[] out) {
        this.x = x;
        this.alpha = alpha;
        this.y = y;
        this.beta = beta;
        this.out = out;
        runElements(mix, length);
    }

    private void mix(int part, int worker) {
        int end = element(part + 1);
        for (int i = from(part) * BLOCK; i < end; i++) {
            out[i] = alpha * x[i] + beta * y[i];
        }
    }

    void multiply(float[] x, float[] y, int length) {
        this.x = x;
        this.y = y;
        runElements(multiply, length);
    }

    private void multiply(int part, int worker) {
        int end = element(part + 1);
        for (int i = from(part) * BLOCK; i < end; i++) {
            x[i] *= y[i];
        }
    }

    void activate(float[] x, int length, Activation activation) {
        this.x = x;
        this.activation = activation;
        runElements(activate, length);
    }

    private void activate(int part, int worker) {
        int from = from(part) * BLOCK;
        int end = element(part + 1);
        switch (activation) {
            case SIGMOID -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) (1 / (1 + Math.exp(-x[i])));
                }
            }
            case SILU -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) (x[i] / (1 + Math.exp(-x[i])));
                }
            }
            case SOFTPLUS -> {
                for (int i = from; i < end; i++) {
                    x[i] = x[i] > LINEAR_SOFTPLUS ? x[i] : (float) Math.log1p(Math.exp(x[i]));
                }
            }
        }
    }

    /// `out += factors .* x` for each row.
    void addScaled(float[] x, int rows, int cols, float[] factors, float[] out) {
        this.x = x;
        this.y = factors;
        this.out = out;
        run(addWeighted, rows, cols);
    }

    private void addWeighted(int part, int worker) {
        for (int row = from(part); row < from(part + 1); row++) {
            for (int i = 0; i < cols; i++) {
                out[row * cols + i] += y[i] * x[row * cols + i];
            }
        }
    }

    void addBias(float[] x, float[] bias, int rows, int cols) {
        this.x = x;
        this.y = bias;
        run(addBias, rows, cols);
    }

    private void addBias(int part, int worker) {
        for (int row = from(part); row < from(part + 1); row++) {
            addScaled(y, 0, 1f, x, row * cols, cols);
        }
    }

    void addRows(float[] x, int xRow, float @Nullable [] gateLogits, int rows, int cols, float[] out) {
        this.x = x;
        this.k = xRow;
        this.out = out;
        if (gateLogits == null) {
            run(addRows, rows, cols);
        } else {
            this.y = gateLogits;
            run(addGated, rows, cols);
        }
    }

    private void addRows(int part, int worker) {
        for (int row = from(part); row < from(part + 1); row++) {
            addScaled(x, (k + row) * cols, 1f, out, row * cols, cols);
        }
    }

    private void addGated(int part, int worker) {
        for (int row = from(part); row < from(part + 1); row++) {
            float weight = (float) (1 / (1 + Math.exp(-y[row])));
            addScaled(x, (k + row) * cols, weight, out, row * cols, cols);
        }
    }

    void weightedSum(float[] expertRows, float[] weights, int n, int k, int cols, float[] out) {
        this.x = expertRows;
        this.y = weights;
        this.k = k;
        this.out = out;
        this.length = cols;
        blocksOfRow = (cols + BLOCK - 1) / BLOCK;
        run(combine, n * blocksOfRow, k * BLOCK);
    }

    private void combine(int part, int worker) {
        for (int block = from(part); block < from(part + 1); block++) {
            int column = block % blocksOfRow * BLOCK;
            combine(block / blocksOfRow, column, Math.min(BLOCK, length - column));
        }
    }

    /// Sums part of a row's inputs, one after another, two of them in one pass over the result.
    private void combine(int row, int column, int count) {
        int to = row * length + column;
        int end = (row + 1) * k;
        int first = nextInput(row * k, end);
        int second = nextInput(first + 1, end);
        if (first >= end) {
            Arrays.fill(out, to, to + count, 0f);
            return;
        }
        if (second >= end) {
            scale(x, first * length + column, y[first], out, to, count);
            return;
        }
        scaleTwo(x, first * length + column, y[first], second * length + column, y[second], out, to, count);
        for (int at = nextInput(second + 1, end); at < end; at = nextInput(second + 1, end)) {
            second = nextInput(at + 1, end);
            if (second < end) {
                addTwoScaled(x, at * length + column, y[at], second * length + column, y[second], out, to, count);
            } else {
                addScaled(x, at * length + column, y[at], out, to, count);
            }
        }
    }

    /// Returns the first input from `at` on whose weight is not zero, or one that is not below `end`.
    private int nextInput(int at, int end) {
        int input = at;
        while (input < end && y[input] == 0) {
            input++;
        }
        return input;
    }

    /// `out = factor * x + otherFactor * other`, `other` being elsewhere in `x`.
    private static void scaleTwo(
            float[] x, int at, float factor, int otherAt, float otherFactor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = factor * x[at + i] + otherFactor * x[otherAt + i];
        }
    }

    /// `out = (out + factor * x) + otherFactor * other`, `other` being elsewhere in `x`.
    private static void addTwoScaled(
            float[] x, int at, float factor, int otherAt, float otherFactor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = out[outAt + i] + factor * x[at + i] + otherFactor * x[otherAt + i];
        }
    }

    void scaleRows(float[] x, float[] factors, int n, int k, int cols, float[] out) {
        this.x = x;
        this.y = factors;
        this.k = k;
        this.out = out;
        run(scaleRows, n * k, cols);
    }

    private void scaleRows(int part, int worker) {
        for (int row = from(part); row < from(part + 1); row++) {
            scale(x, row / k * cols, y[row], out, row * cols, cols);
        }
    }

    private static void scale(float[] x, int at, float factor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = factor * x[at + i];
        }
    }

    /// `out += factor * x`.
    private static void addScaled(float[] x, int at, float factor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] += factor * x[at + i];
        }
    }

    private void run(WorkerPool.Job job, int rows, int cols) {
        this.rows = rows;
        this.cols = cols;
        this.parts = Partition.parts(pool.threads(), rows, (long) rows * cols);
        pool.run(job, parts);
    }

    private void runElements(WorkerPool.Job job, int length) {
        this.length = length;
        run(job, (length + BLOCK - 1) / BLOCK, BLOCK);
    }

    private int element(int part) {
        return Math.min(from(part) * BLOCK, length);
    }

    private int from(int part) {
        return Partition.bound(part, parts, rows);
    }
}
