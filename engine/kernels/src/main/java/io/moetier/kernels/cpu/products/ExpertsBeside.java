package io.moetier.kernels.cpu.products;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Experts with the activations of the device that they are computed beside, by any [Arithmetic]: those of float32 by
/// one that rounds them to eight bits, and rounded ones by one that does not.
///
/// A row of activations becomes three whose sum it is. Each is whole multiples of a scale for each 32 of its elements,
/// so that rounding leaves it as it is: 24 bits in all. Three columns of a product take not much longer than one whose
/// weights come from memory. The first of them is what the other device makes of a row if it rounds it.
public final class ExpertsBeside implements ExpertNetworks {
    private static final int DIGITS = ActivationType.MOST_DIGITS;
    private static final int BLOCK = 32;
    private static final float LARGEST = 127f;

    /// What is smaller is left to the last digit: the reciprocal of its scale would overflow.
    private static final float SMALLEST = 1e-35f;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final ColumnPacker packer;
    private final MatrixProducts products;
    private final ExpertNetworks rounding;
    private final ActivationType activations;
    private final WorkerPool.Job splitInputs = this::splitInputs;
    private final WorkerPool.Job activate = this::activate;
    private final WorkerPool.Job finish = this::finish;
    private final ExpertColumns columns = new ExpertColumns();
    private final ExpertColumns upColumns = new ExpertColumns(); // where up has another type than gate
    private int[] inputAt = new int[0]; // where an expert's rows start in `split`, and its results in `results`
    private int[] hiddenAt = inputAt; // where those between its projections start in `split`, `gates` and `ups`
    private float[] split = new float[0];
    private float[] gates = split;
    private float[] ups = split;
    private float[] results = split;
    private ExpertBatch batch = new ExpertBatch();
    private float[] x = split;
    private float[] out = split;

    /// @param rounding computes experts whose activations are not rounded
    /// @param activations of the other device
    public ExpertsBeside(
            WorkerPool pool,
            Arithmetic arithmetic,
            Scratch[] scratch,
            ColumnPacker packer,
            MatrixProducts products,
            ExpertNetworks rounding,
            ActivationType activations) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
        this.packer = packer;
        this.products = products;
        this.rounding = rounding;
        this.activations = activations;
    }

    @Override
    public void run(ExpertBatch batch, float[] x, float[] out) {
        if (!isRounded(batch)) {
            rounding.run(batch, x, out);
            return;
        }
        this.batch = batch;
        this.x = x;
        this.out = out;
        reserve();
        pool.run(splitInputs, batch.size());
        for (int e = 0; e < batch.size(); e++) {
            pack(batch.get(e).activated(), inputAt[e], e, columns.of(e));
            if (!isOneType(batch.get(e))) {
                pack(batch.get(e).up(), inputAt[e], e, upColumns.of(e));
            }
        }
        packer.run();
        for (int e = 0; e < batch.size(); e++) {
            ExpertWeights expert = batch.get(e);
            WeightMatrix up = expert.up();
            products.addStrided(expert.activated(), columns.of(e), gates, hiddenAt[e], up.rows());
            if (expert.gate() != null) {
                products.addStrided(
                        up, isOneType(expert) ? columns.of(e) : upColumns.of(e), ups, hiddenAt[e], up.rows());
            }
        }
        products.run();
        pool.run(activate, batch.size());
        for (int e = 0; e < batch.size(); e++) {
            pack(batch.get(e).down(), hiddenAt[e], e, columns.of(e));
        }
        packer.run();
        for (int e = 0; e < batch.size(); e++) {
            WeightMatrix down = batch.get(e).down();
            products.addStrided(down, columns.of(e), results, inputAt[e], down.rows());
        }
        products.run();
        pool.run(finish, batch.size());
    }

    @Override
    public long byteSize() {
        long floats = (long) split.length + gates.length + ups.length + results.length;
        return rounding.byteSize() + floats * Float.BYTES + columns.byteSize() + upColumns.byteSize();
    }

    /// Returns the most bytes that are kept for batches, by the same as [ExpertProducts#mostBytes].
    public static long mostBytes(long experts, long hidden) {
        long floats = DIGITS * (experts + hidden + hidden + experts); // as they are declared above
        return floats * Float.BYTES + (long) (ExpertColumns.KEPT * PackedColumns.mostBytes(DIGITS * experts));
    }

    private boolean isRounded(ExpertBatch given) {
        for (int e = 0; e < given.size(); e++) {
            ExpertWeights expert = given.get(e);
            if (isRounded(expert.activated(), given)
                    || isRounded(expert.up(), given)
                    || isRounded(expert.down(), given)) {
                return true;
            }
        }
        return false;
    }

    /// Says whether rows have to become several for a matrix, or others.
    private boolean isRounded(WeightMatrix w, ExpertBatch given) {
        return arithmetic.rounds(w.dtype()) || activations.rounds(w.dtype(), given.tokens());
    }

    /// Returns how many of the three that a row becomes are multiplied.
    private int digits(WeightMatrix w) {
        return activations.rounds(w.dtype(), batch.tokens()) ? ActivationType.digits(w.dtype()) : DIGITS;
    }

    private static boolean isOneType(ExpertWeights expert) {
        return expert.activated().dtype() == expert.up().dtype();
    }

    private void pack(WeightMatrix w, int at, int e, PackedColumns to) {
        packer.add(w.dtype(), split, at, w.cols(), null, 0, digits(w) * batch.n(e), to);
    }

    private void reserve() {
        int size = batch.size();
        if (inputAt.length < size) {
            inputAt = new int[size];
            hiddenAt = new int[size];
        }
        columns.place(batch);
        upColumns.place(batch);
        int widest = Math.max(batch.get(0).up().cols(), batch.get(0).down().rows());
        int ofInputs = 0;
        int ofHidden = 0;
        for (int e = 0; e < size; e++) {
            int rows = DIGITS * batch.n(e);
            inputAt[e] = ofInputs;
            hiddenAt[e] = ofHidden;
            ofInputs = Math.addExact(ofInputs, Math.multiplyExact(rows, widest));
            ofHidden = Math.addExact(
                    ofHidden, Math.multiplyExact(rows, batch.get(e).up().rows()));
        }
        split = Scratch.atLeast(split, Math.max(ofInputs, ofHidden));
        gates = Scratch.atLeast(gates, ofHidden);
        ups = Scratch.atLeast(ups, ofHidden);
        results = Scratch.atLeast(results, ofInputs);
    }

    private void splitInputs(int e, int worker) {
        int cols = batch.get(e).up().cols();
        int n = batch.n(e);
        for (int i = 0; i < n; i++) {
            int row = batch.rows()[batch.from(e) + i];
            split(x, row * cols, cols, split, inputAt[e] + i * cols, n * cols);
        }
    }

    private void activate(int e, int worker) {
        ExpertWeights expert = batch.get(e);
        int width = expert.up().rows();
        int n = batch.n(e);
        int length = n * width;
        int at = hiddenAt[e];
        join(gates, at, length, digits(expert.activated()));
        addBias(expert.activatedBias(), gates, at, n, width);
        Results gate = scratch[worker].results.only(gates, at);
        if (expert.gate() == null) {
            Gating.ungated(expert.activation(), gate, length);
        } else {
            join(ups, at, length, digits(expert.up()));
            addBias(expert.upBias(), ups, at, n, width);
            Results up = scratch[worker].otherResults.only(ups, at);
            Gating.prepare(expert.activation(), gate, up, length);
            arithmetic.swiGlu(gate, up, length, scratch[worker]);
        }
        for (int i = 0; i < n; i++) {
            split(gates, at + i * width, width, split, at + i * width, length);
        }
    }

    private void finish(int e, int worker) {
        ExpertWeights expert = batch.get(e);
        int cols = expert.down().rows();
        int n = batch.n(e);
        int at = inputAt[e];
        join(results, at, n * cols, digits(expert.down()));
        addBias(expert.downBias(), results, at, n, cols);
        for (int i = 0; i < n; i++) {
            System.arraycopy(results, at + i * cols, out, batch.outRows()[batch.from(e) + i] * cols, cols);
        }
    }

    /// Writes three rows whose sum is a row, each `apart` floats behind the one before. Blocks of weights are at least
    /// as long as those of activations, so a row is whole blocks.
    private static void split(float[] row, int at, int cols, float[] to, int toAt, int apart) {
        for (int k = 0; k < cols; k += BLOCK) {
            int first = toAt + k;
            int second = first + apart;
            int third = second + apart;
            int length = Math.min(BLOCK, cols - k);
            takeDigit(row, at + k, to, first, second, length);
            takeDigit(to, second, to, second, third, length);
        }
    }

    /// Writes the largest digit of some activations, and what it leaves of them.
    private static void takeDigit(float[] from, int at, float[] to, int digitAt, int restAt, int length) {
        float largest = 0;
        for (int i = 0; i < length; i++) {
            largest = Math.max(largest, Math.abs(from[at + i]));
        }
        if (!(largest >= SMALLEST)) { // or NaN
            System.arraycopy(from, at, to, restAt, length);
            Arrays.fill(to, digitAt, digitAt + length, 0f);
            return;
        }
        float inverse = LARGEST / largest;
        float scale = largest / LARGEST;
        for (int i = 0; i < length; i++) {
            float value = from[at + i];
            float digit = (float) Math.rint((double) value * inverse) * scale; // the product is exact
            to[digitAt + i] = digit;
            to[restAt + i] = value - digit;
        }
    }

    /// Adds up what became of three rows each, to where the first of them are; one row stays as it is.
    private static void join(float[] values, int at, int length, int digits) {
        if (digits == 1) {
            return;
        }
        for (int i = at; i < at + length; i++) {
            values[i] += values[i + length] + values[i + 2 * length];
        }
    }

    private static void addBias(@Nullable MemorySegment bias, float[] values, int at, int n, int width) {
        if (bias == null) {
            return;
        }
        for (int i = 0; i < n * width; i++) {
            values[at + i] += bias.getAtIndex(JAVA_FLOAT_UNALIGNED, i % width);
        }
    }
}
