package io.moetier.kernels.cpu.pool;

/// How a job is cut into parts that threads take, and where each of them starts. Belongs to one job.
/*
 * Cost. Every operation is a job of a class of its own, which is called once for each part: through the interface
 * [WorkerPool.Job], which has far more classes than a call site remembers, as it had when all jobs were lambdas of one
 * class. That lookup is some nanoseconds for a part of a microsecond or more. Inside a part nothing is virtual: the
 * classes are final, their loops are their own, and what several of them do is a static method; fields are read before
 * the loops, since no float that is written can be one of them. A job is made once for a device and its
 * fields are set again by each operation, so that nothing is allocated.
 */
public final class Cut {
    /// Elements that are one item where rows do not matter.
    public static final int BLOCK = 1024;

    private final WorkerPool pool;
    private int length;
    private int grain;
    private int items;
    private int parts;

    public Cut(WorkerPool pool) {
        this.pool = pool;
    }

    /// Runs a job on `rows` rows, each of which takes as long as `work` floats.
    public void rows(WorkerPool.Job job, int rows, long work) {
        run(job, rows, 1, rows, rows * work);
    }

    /// Runs a job on `count` elements.
    public void elements(WorkerPool.Job job, int count) {
        int blocks = Math.ceilDiv(count, BLOCK);
        run(job, count, BLOCK, blocks, (long) blocks * BLOCK);
    }

    private void run(WorkerPool.Job job, int count, int each, int itemCount, long work) {
        length = count;
        grain = each;
        items = itemCount;
        parts = Partition.parts(pool.threads(), items, work);
        pool.run(job, parts);
    }

    /// Returns the first row or element of a part; that of the part behind the last one is their number.
    public int from(int part) {
        return (int) Math.min((long) Partition.bound(part, parts, items) * grain, length);
    }
}
