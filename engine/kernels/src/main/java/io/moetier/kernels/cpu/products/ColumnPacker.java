package io.moetier.kernels.cpu.products;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.pool.Partition;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.storage.model.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Packs the columns of one or several products on all threads.
public final class ColumnPacker implements WorkerPool.Job {
    /// Activations below which one thread packs all of them.
    private static final int SMALL = 1 << 13;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private Task[] tasks = new Task[0];
    private int numTasks;
    private int numColumns;
    private int numActivations;
    private int parts;

    /// Columns that go to one place.
    private static final class Task {
        private DType dtype = DType.F32;
        private float[] x = new float[0];
        private int xAt;
        private int stride;
        private int @Nullable [] rows;
        private int firstRow;
        private PackedColumns to = new PackedColumns();
        private int firstColumn; // counted over all tasks
    }

    public ColumnPacker(WorkerPool pool, Arithmetic arithmetic) {
        this.pool = pool;
        this.arithmetic = arithmetic;
    }

    /// Adds rows `firstRow + i` of `x`, or `rows[firstRow + i]` if there are `rows`, for `i` below `n`, to be packed to
    /// `to` for weights of `dtype`. A row has `cols` floats; row 0 starts at `xAt`.
    public void add(
            DType dtype, float[] x, int xAt, int cols, int @Nullable [] rows, int firstRow, int n, PackedColumns to) {
        Task task = next(dtype, x, xAt, cols, n, to);
        task.stride = cols;
        task.rows = rows;
        task.firstRow = firstRow;
    }

    /// Adds `n` rows of `cols` floats each, the first of which starts at `xAt` and the next ones `stride` floats
    /// further.
    public void addStrided(DType dtype, float[] x, int xAt, int stride, int cols, int n, PackedColumns to) {
        Task task = next(dtype, x, xAt, cols, n, to);
        task.stride = stride;
        task.rows = null;
        task.firstRow = 0;
    }

    private Task next(DType dtype, float[] x, int xAt, int cols, int n, PackedColumns to) {
        if (numTasks == tasks.length) {
            int known = tasks.length;
            tasks = Arrays.copyOf(tasks, Math.max(8, 2 * known));
            for (int i = known; i < tasks.length; i++) {
                tasks[i] = new Task();
            }
        }
        Task task = tasks[numTasks++];
        task.dtype = dtype;
        task.x = x;
        task.xAt = xAt;
        task.to = to;
        task.firstColumn = numColumns;
        arithmetic.reserve(dtype, cols, n, to);
        numColumns += n;
        numActivations += n * cols;
        return task;
    }

    /// Packs what was added, and forgets it.
    public void run() {
        parts = numActivations < SMALL ? 1 : Math.min(numColumns, 2 * pool.threads());
        pool.run(this, parts);
        numTasks = 0;
        numColumns = 0;
        numActivations = 0;
    }

    @Override
    public void run(int part, int worker) {
        int column = Partition.bound(part, parts, numColumns);
        int end = Partition.bound(part + 1, parts, numColumns);
        for (int t = 0; t < numTasks && column < end; t++) {
            Task task = tasks[t];
            int last = Math.min(end, task.firstColumn + task.to.n);
            if (column < last) {
                int i = column - task.firstColumn;
                int to = last - task.firstColumn;
                arithmetic.pack(task.dtype, task.x, task.xAt, task.stride, task.rows, task.firstRow, task.to, i, to);
                column = last;
            }
        }
    }
}
