package io.moetier.kernels.cpu.products;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One or several matrices, each times columns of its own, as one section of work for all threads.
///
/// If no matrix has more than one column, the weights of all of them are read in as many ascending streams as there
/// are parts. Otherwise a part is a block of tiles times a block of columns, which share each decoded weight.
public final class MatrixProducts {
    /// Most columns whose results a thread holds at a time.
    private static final int COLUMN_BLOCK = 128;

    /// Most tiles of a part with several columns, times the columns, so that its results stay in the second-level
    /// cache.
    private static final int MOST_RESULTS = 16 * COLUMN_BLOCK;

    /// Parts of a thread with several columns: fewer cost less, more have the threads end together.
    private static final int BLOCKS_PER_THREAD = 4;

    private static final int ROWS = WeightMatrix.TILE_ROWS;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final WorkerPool.Job streams = this::streams;
    private final WorkerPool.Job blocks = this::blocks;
    private Task[] tasks = new Task[0];
    private int numTasks;
    private int numTiles;
    private long bytes;
    private int mostColumns;
    private long numResults; // in tiles, each times its columns
    private int parts;

    public MatrixProducts(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// Adds `w` times the columns of `x`: column `i` goes to row `firstRow + i` of `out`, or to row
    /// `outRows[firstRow + i]` if there are `outRows`.
    public void add(WeightMatrix w, PackedColumns x, float[] out, int @Nullable [] outRows, int firstRow) {
        add(w, null, x, out, outRows, firstRow);
    }

    /// Adds the same with a bias, float32 and one for each row of `w`.
    public void add(
            WeightMatrix w,
            @Nullable MemorySegment bias,
            PackedColumns x,
            float[] out,
            int @Nullable [] outRows,
            int firstRow) {
        Task task = next(w, x);
        task.expert = null;
        task.bias = bias;
        task.to(out, 0, outRows, firstRow);
        cut(task);
    }

    /// Adds `w` times the columns of `x`, the first of which goes to `out` from `outAt` on, and the next ones `stride`
    /// floats further.
    public void addStrided(WeightMatrix w, PackedColumns x, float[] out, int outAt, int stride) {
        Task task = next(w, x);
        task.expert = null;
        task.bias = null;
        task.to(out, outAt, null, 0);
        task.stride = stride;
        cut(task);
    }

    /// Adds what the down projection of an expert reads, whose rows follow each other in `out` from `outAt` on.
    ///
    /// @param x the columns, packed for the type of the matrix that is activated
    /// @param upX the same columns, packed for the type of up
    void addActivated(ExpertWeights expert, PackedColumns x, PackedColumns upX, float[] out, int outAt) {
        Task task = next(expert.activated(), x);
        task.expert = expert;
        task.bias = expert.activatedBias();
        task.upX = upX;
        task.to(out, outAt, null, 0);
        cut(task);
    }

    /// Computes what was added, and forgets it.
    public void run() {
        if (mostColumns <= 1) {
            parts = Partition.taperedParts(pool.threads(), numTiles, bytes);
            pool.run(streams, parts);
        } else {
            pool.run(blocks, cutIntoBlocks());
        }
        numTasks = 0;
        numTiles = 0;
        bytes = 0;
        mostColumns = 0;
        numResults = 0;
    }

    /// Cuts all tasks into blocks of about the same size, and returns how many there are.
    private int cutIntoBlocks() {
        long results = Math.min(MOST_RESULTS, numResults / ((long) BLOCKS_PER_THREAD * pool.threads()));
        int numBlocks = 0;
        for (int t = 0; t < numTasks; t++) {
            Task task = tasks[t];
            int tiles = task.weights.tiles();
            task.firstBlock = numBlocks;
            task.tileBlock = Math.clamp(results / Math.min(task.columnBlock, task.x.n), 1, tiles);
            numBlocks += (tiles + task.tileBlock - 1) / task.tileBlock * task.columnBlocks;
        }
        return numBlocks;
    }

    private Task next(WeightMatrix w, PackedColumns x) {
        if (numTasks == tasks.length) {
            tasks = Arrays.copyOf(tasks, Math.max(8, 2 * numTasks));
            for (int i = numTasks; i < tasks.length; i++) {
                tasks[i] = new Task(w, x);
            }
        }
        Task task = tasks[numTasks++];
        task.weights = w;
        task.x = x;
        return task;
    }

    private void cut(Task task) {
        task.findStarts();
        int tiles = task.weights.tiles();
        int n = task.x.n;
        int columnBlocks = (n + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
        int together = Arithmetic.COLUMNS_TOGETHER;
        task.firstTile = numTiles;
        task.columnBlock = ((n + columnBlocks - 1) / columnBlocks + together - 1) / together * together;
        task.columnBlocks = (n + task.columnBlock - 1) / task.columnBlock;
        numTiles += tiles;
        numResults += (long) tiles * n;
        bytes += (task.isGated() ? 2 : 1) * task.weights.bytes().byteSize();
        mostColumns = Math.max(mostColumns, n);
    }

    private void streams(int part, int worker) {
        int tile = Partition.taperedBound(part, parts, numTiles);
        int end = Partition.taperedBound(part + 1, parts, numTiles);
        for (int t = 0; t < numTasks && tile < end; t++) {
            Task task = tasks[t];
            int last = Math.min(end, task.firstTile + task.weights.tiles());
            if (tile < last) {
                stream(task, tile - task.firstTile, last - task.firstTile, scratch[worker]);
                tile = last;
            }
        }
    }

    /// Multiplies some tiles by the only column.
    private void stream(Task task, int from, int to, Scratch own) {
        WeightMatrix w = task.weights;
        int at = task.starts[0];
        int whole = Math.min(to, w.rows() / ROWS);
        if (from < whole) {
            compute(task, from, whole, own.results.only(task.out, at + from * ROWS), own);
        }
        if (whole < to) {
            float[] sums = own.sums(ROWS);
            compute(task, whole, to, own.results.only(sums, 0), own);
            System.arraycopy(sums, 0, task.out, at + whole * ROWS, w.rows() - whole * ROWS);
        }
    }

    /// Some tiles by some columns.
    private void compute(Task task, int from, int to, Results y, Scratch own) {
        arithmetic.multiply(task.weights, from, to, task.x, y, own);
        Biases.add(task.bias, from, to, y);
        ExpertWeights expert = task.expert;
        if (expert != null) {
            activate(expert, task, from, to, y, own);
        }
    }

    private void activate(ExpertWeights expert, Task task, int from, int to, Results y, Scratch own) {
        int length = (to - from) * ROWS;
        if (!task.isGated()) {
            Gating.ungated(expert.activation(), y, length);
            return;
        }
        float[] sums = own.otherSums(length * (y.lastColumn - y.firstColumn));
        Results ups = own.otherResults.dense(sums, 0, y.firstColumn, y.lastColumn, length);
        arithmetic.multiply(expert.up(), from, to, task.upX, ups, own);
        Biases.add(expert.upBias(), from, to, ups);
        Gating.prepare(expert.activation(), y, ups, length);
        arithmetic.swiGlu(y, ups, length, own);
    }

    private void blocks(int part, int worker) {
        int t = numTasks - 1;
        while (tasks[t].firstBlock > part) {
            t--;
        }
        Task task = tasks[t];
        int block = part - task.firstBlock;
        int from = block / task.columnBlocks * task.tileBlock;
        int to = Math.min(from + task.tileBlock, task.weights.tiles());
        int firstColumn = block % task.columnBlocks * task.columnBlock;
        int lastColumn = Math.min(firstColumn + task.columnBlock, task.x.n);
        int whole = Math.min(to, task.weights.rows() / ROWS);
        Scratch own = scratch[worker];
        if (from < whole) {
            Results y = own.results.to(task.out, from * ROWS, task.starts, firstColumn, lastColumn);
            compute(task, from, whole, y, own);
        }
        if (whole < to) {
            lastTile(task, whole, firstColumn, lastColumn, own);
        }
    }

    /// Multiplies the last tile of a matrix, some of whose rows are padding, by some columns.
    private void lastTile(Task task, int tile, int firstColumn, int lastColumn, Scratch own) {
        float[] sums = own.sums((lastColumn - firstColumn) * ROWS);
        compute(task, tile, tile + 1, own.results.dense(sums, 0, firstColumn, lastColumn, ROWS), own);
        int length = task.weights.rows() - tile * ROWS;
        for (int column = firstColumn; column < lastColumn; column++) {
            int at = (column - firstColumn) * ROWS;
            System.arraycopy(sums, at, task.out, task.starts[column] + tile * ROWS, length);
        }
    }

    /// One matrix and its columns; kept for the next section.
    private static final class Task {
        private WeightMatrix weights;
        private @Nullable ExpertWeights expert;
        private @Nullable MemorySegment bias;
        private PackedColumns x;
        private PackedColumns upX;
        private float[] out = new float[0];
        private int outAt;
        private int stride;
        private int @Nullable [] outRows;
        private int firstRow;
        private int firstTile; // counted over all tasks
        private int firstBlock; // counted over all tasks
        private int tileBlock;
        private int columnBlock;
        private int columnBlocks;
        private int[] starts = new int[1]; // where the results of each column start in `out`

        private Task(WeightMatrix weights, PackedColumns x) {
            this.weights = weights;
            this.x = x;
            this.upX = x;
        }

        private void to(float[] out, int outAt, int @Nullable [] outRows, int firstRow) {
            this.out = out;
            this.outAt = outAt;
            this.stride = weights.rows();
            this.outRows = outRows;
            this.firstRow = firstRow;
        }

        private void findStarts() {
            if (starts.length < x.n) {
                starts = new int[Math.max(x.n, 2 * starts.length)];
            }
            for (int column = 0; column < x.n; column++) {
                int row = outRows == null ? firstRow + column : outRows[firstRow + column];
                starts[column] = outAt + row * stride;
            }
        }

        private boolean isGated() {
            return expert != null && expert.gate() != null;
        }
    }
}
