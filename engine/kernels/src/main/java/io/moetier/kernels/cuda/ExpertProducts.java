package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The feed-forward networks of several experts: one launch for gate, up and activation of all of them, and one for
/// down; as many more as there are types of weights among them, and one before each where activations are rounded.
final class ExpertProducts implements AutoCloseable {
    /// Of what an expert has between gate and down, in floats: whole blocks, where it is rounded.
    private static final int ALIGNMENT = RoundedRows.BLOCK;

    private final KernelModules kernels;
    private final Staging staging;
    private final Tasks tasks;
    private final Rounding rounding;
    private final Scratch hidden;
    private long[] hiddenAt = new long[0]; // floats from the start of `hidden` to the results of gate and up
    private long[] rowsAt = hiddenAt; // where the row list of an expert is on the device; 0 where it has one row
    private long[] outRowsAt = hiddenAt;
    private long hiddenFloats;
    private int[] readRows = new int[0]; // the rows that are read, each once
    private boolean[] isRead = new boolean[0]; // by row
    private long inputsAt; // where row 0 of the inputs is
    private int inputStride; // in floats
    private final Group group = new Group(); // of the launch that is being prepared

    ExpertProducts(CudaHeap heap, KernelModules kernels, Staging staging, Tasks tasks, Rounding rounding) {
        hidden = new Scratch(heap);
        this.kernels = kernels;
        this.staging = staging;
        this.tasks = tasks;
        this.rounding = rounding;
    }

    /// As [io.moetier.kernels.device.Kernels#expertFfn].
    void run(ExpertBatch batch, CudaBuffer x, CudaBuffer out) {
        reserve(batch);
        sendRows(batch);
        boolean separate = false;
        for (int e = 0; e < batch.size(); e++) {
            separate |= isSeparate(batch.get(e));
        }
        long first = hidden.reserve(separate ? 2 * hiddenFloats : hiddenFloats);
        rounding.begin();
        for (int e = 0; e < batch.size(); e++) {
            if (batch.firstAlike(e) == e) {
                activate(batch, e, x, first);
            }
        }
        rounding.begin();
        for (int e = 0; e < batch.size(); e++) {
            if (batch.firstOfDown(e) == e) {
                multiplyDown(batch, e, first, out);
            }
        }
    }

    private void reserve(ExpertBatch batch) {
        if (hiddenAt.length < batch.size()) {
            hiddenAt = new long[batch.size()];
            rowsAt = new long[batch.size()];
            outRowsAt = new long[batch.size()];
        }
        hiddenFloats = 0;
        for (int e = 0; e < batch.size(); e++) {
            hiddenAt[e] = hiddenFloats;
            long floats = (long) batch.n(e) * batch.get(e).up().rows();
            hiddenFloats += (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
    }

    /// Experts with one row need no list: the row's address is enough.
    private void sendRows(ExpertBatch batch) {
        long listed = 0;
        for (int e = 0; e < batch.size(); e++) {
            listed += batch.n(e) > 1 ? batch.n(e) : 0;
        }
        if (listed == 0) {
            return;
        }
        long byteSize = 2 * listed * Integer.BYTES;
        long offset = staging.reserve(byteSize);
        long at = offset;
        for (int e = 0; e < batch.size(); e++) {
            if (batch.n(e) > 1) {
                long bytes = (long) batch.n(e) * Integer.BYTES;
                MemorySegment.copy(batch.rows(), batch.from(e), staging.host(), JAVA_INT, at, batch.n(e));
                MemorySegment.copy(batch.outRows(), batch.from(e), staging.host(), JAVA_INT, at + bytes, batch.n(e));
                rowsAt[e] = at - offset;
                outRowsAt[e] = at - offset + bytes;
                at += 2 * bytes;
            }
        }
        long device = staging.send(offset, byteSize);
        for (int e = 0; e < batch.size(); e++) {
            rowsAt[e] += device;
            outRowsAt[e] += device;
        }
    }

    /// Chooses which rows weights of a type are multiplied by: the inputs as they are, or where they are rounded to.
    private void chooseInputs(ExpertBatch batch, DType dtype, CudaBuffer x) {
        int cols = batch.get(0).up().cols();
        inputsAt = x.address(0);
        inputStride = cols;
        if (rounding.rounds(dtype, batch.tokens())) {
            RoundedRows rounded = rounding.of(dtype);
            inputStride = rounded.stride(cols);
            inputsAt = round(batch, rounded, x, cols);
        }
    }

    /// Rounds the rows that any expert reads, each once.
    private long round(ExpertBatch batch, RoundedRows rounded, CudaBuffer x, int cols) {
        int rows = batch.largestRow() + 1;
        if (isRead.length < rows) {
            isRead = new boolean[rows];
            readRows = new int[rows];
        }
        Arrays.fill(isRead, 0, rows, false);
        int count = 0;
        for (int e = 0; e < batch.size(); e++) {
            for (int i = batch.from(e); i < batch.from(e) + batch.n(e); i++) {
                int row = batch.rows()[i];
                if (!isRead[row]) {
                    isRead[row] = true;
                    readRows[count++] = row;
                }
            }
        }
        long floats = (long) rows * cols;
        return count == rows
                ? rounded.round(x.address(0), floats)
                : rounded.roundRows(x.address(0), floats, staging.send(readRows, 0, count), count, cols);
    }

    /// Rounds what experts have between gate and down, of all whose down is multiplied by it.
    ///
    /// @return where the blocks of the first float are
    private long roundHidden(ExpertBatch batch, RoundedRows rounded, long results) {
        long to = rounded.reserve(hiddenFloats);
        if (rounded.isDue()) {
            long from = 0;
            long end = 0;
            for (int e = 0; e < batch.size(); e++) {
                DType down = batch.get(e).down().dtype();
                if (rounding.rounds(down, batch.tokens()) && rounding.of(down) == rounded) {
                    if (hiddenAt[e] != end) {
                        roundPart(rounded, results, to, from, end);
                        from = hiddenAt[e];
                    }
                    end = hiddenAt[e] + (long) batch.n(e) * batch.get(e).up().rows();
                }
            }
            roundPart(rounded, results, to, from, end);
        }
        return to;
    }

    private static void roundPart(RoundedRows rounded, long results, long to, long from, long end) {
        if (end > from) {
            rounded.roundPart(results + Float.BYTES * from, to + rounded.bytes(from), end - from);
        }
    }

    /// Says whether gate and up are multiplied each by itself.
    private static boolean isSeparate(ExpertWeights expert) {
        return expert.gate() != null
                && expert.activated().dtype() != expert.up().dtype();
    }

    private void activate(ExpertBatch batch, int first, CudaBuffer x, long results) {
        ExpertWeights expert = batch.get(first);
        DType dtype = expert.activated().dtype();
        group.collect(batch, first);
        if (isSeparate(expert)) {
            activateSeparately(batch, first, x, results);
            return;
        }
        chooseInputs(batch, dtype, x);
        tasks.begin(group.count);
        for (int e = first; e < batch.size(); e++) {
            ExpertWeights each = batch.get(e);
            if (each.isAlike(expert)) {
                tasks.weights(each.activated().bytes().address(), address(each.activatedBias()));
                if (each.gate() != null) {
                    tasks.up(each.up().bytes().address(), address(each.upBias()));
                }
                readInput(batch, e);
                writeHidden(each, results + Float.BYTES * hiddenAt[e]);
                tasks.add(each.up().rows(), each.up().cols(), batch.n(e), each.activation());
            }
        }
        if (rounding.rounds(dtype, batch.tokens())) {
            launchRounded(dtype, expert.gate() != null);
            return;
        }
        KernelModules.ForType type = kernels.of(dtype);
        CudaFunction gated = group.mostRows == 1 ? type.gatedOne() : type.gated();
        CudaFunction plain = group.mostRows == 1 ? type.one() : type.several();
        tasks.launchProducts(expert.gate() == null ? plain : gated, group.tiles, group.groups());
    }

    private void activateSeparately(ExpertBatch batch, int first, CudaBuffer x, long results) {
        multiplySeparately(batch, first, x, results, false);
        multiplySeparately(batch, first, x, results + Float.BYTES * hiddenFloats, true);
        tasks.begin(group.count);
        long most = 0;
        for (int e = first; e < batch.size(); e++) {
            ExpertWeights each = batch.get(e);
            if (each.isAlike(batch.get(first))) {
                int width = each.up().rows();
                long gate = results + Float.BYTES * hiddenAt[e];
                tasks.weights(0, 0)
                        .x(gate + Float.BYTES * hiddenFloats, width, 0)
                        .out(gate, width, 0);
                tasks.add(width, width, batch.n(e), each.activation());
                most = Math.max(most, (long) batch.n(e) * width);
            }
        }
        tasks.launch(kernels.activatePairs, Math.toIntExact((most + Tasks.THREADS - 1) / Tasks.THREADS), 1);
    }

    private void multiplySeparately(ExpertBatch batch, int first, CudaBuffer x, long results, boolean isUp) {
        ExpertWeights expert = batch.get(first);
        DType dtype = (isUp ? expert.up() : expert.activated()).dtype();
        chooseInputs(batch, dtype, x);
        tasks.begin(group.count);
        for (int e = first; e < batch.size(); e++) {
            ExpertWeights each = batch.get(e);
            if (each.isAlike(batch.get(first))) {
                WeightMatrix w = isUp ? each.up() : each.activated();
                tasks.weights(w.bytes().address(), address(isUp ? each.upBias() : each.activatedBias()));
                readInput(batch, e);
                writeHidden(each, results + Float.BYTES * hiddenAt[e]);
                tasks.add(w.rows(), w.cols(), batch.n(e), null);
            }
        }
        launch(batch, dtype);
    }

    private void multiplyDown(ExpertBatch batch, int first, long results, CudaBuffer out) {
        DType dtype = batch.get(first).down().dtype();
        group.collectDown(batch, first);
        boolean rounds = rounding.rounds(dtype, batch.tokens());
        RoundedRows rounded = rounding.of(dtype);
        long blocks = rounds ? roundHidden(batch, rounded, results) : 0;
        tasks.begin(group.count);
        for (int e = first; e < batch.size(); e++) {
            WeightMatrix down = batch.get(e).down();
            if (down.dtype() == dtype) {
                tasks.weights(down.bytes().address(), address(batch.get(e).downBias()));
                if (rounds) {
                    tasks.x(blocks + rounded.bytes(hiddenAt[e]), rounded.stride(down.cols()), 0);
                } else {
                    long from = results + Float.BYTES * hiddenAt[e];
                    tasks.x(from, down.cols(), 0);
                }
                writeOutput(batch, e, out, down.rows());
                tasks.add(down.rows(), down.cols(), batch.n(e), null);
            }
        }
        launch(batch, dtype);
    }

    private void launch(ExpertBatch batch, DType dtype) {
        if (rounding.rounds(dtype, batch.tokens())) {
            launchRounded(dtype, false);
        } else {
            KernelModules.ForType type = kernels.of(dtype);
            tasks.launchProducts(group.mostRows == 1 ? type.one() : type.several(), group.tiles, group.groups());
        }
    }

    private void launchRounded(DType dtype, boolean gated) {
        tasks.launch(
                kernels.rounded(dtype),
                Rounding.groupsOfTiles(group.tiles, gated),
                Rounding.groupsOfRows(group.mostRows));
    }

    private void readInput(ExpertBatch batch, int e) {
        if (batch.n(e) == 1) {
            long offset = (long) batch.rows()[batch.from(e)] * inputStride;
            tasks.x(inputsAt + Float.BYTES * offset, inputStride, 0);
        } else {
            tasks.x(inputsAt, inputStride, rowsAt[e]);
        }
    }

    private void writeHidden(ExpertWeights expert, long address) {
        tasks.out(address, expert.up().rows(), 0);
    }

    private void writeOutput(ExpertBatch batch, int e, CudaBuffer out, int rows) {
        if (batch.n(e) == 1) {
            tasks.out(out.address((long) batch.outRows()[batch.from(e)] * rows), rows, 0);
        } else {
            tasks.out(out.address(0), rows, outRowsAt[e]);
        }
    }

    private static long address(@Nullable MemorySegment bias) {
        if (bias != null && !bias.isNative()) {
            throw new IllegalArgumentException("a bias in memory of the heap, which a device cannot reach");
        }
        return bias == null ? 0 : bias.address();
    }

    /// What experts of one launch have at most.
    private static final class Group {
        int count;
        int tiles;
        int mostRows;

        void collect(ExpertBatch batch, int first) {
            count = 0;
            tiles = 0;
            mostRows = 0;
            for (int e = first; e < batch.size(); e++) {
                if (batch.get(e).isAlike(batch.get(first))) {
                    add(batch.get(e).up(), batch.n(e));
                }
            }
        }

        void collectDown(ExpertBatch batch, int first) {
            count = 0;
            tiles = 0;
            mostRows = 0;
            for (int e = first; e < batch.size(); e++) {
                if (batch.get(e).down().dtype() == batch.get(first).down().dtype()) {
                    add(batch.get(e).down(), batch.n(e));
                }
            }
        }

        private void add(WeightMatrix w, int n) {
            count++;
            tiles = Math.max(tiles, w.tiles());
            mostRows = Math.max(mostRows, n);
        }

        int groups() {
            return MatrixProducts.groups(mostRows);
        }
    }

    long byteSize() {
        return hidden.byteSize();
    }

    @Override
    public void close() {
        hidden.close();
    }
}
