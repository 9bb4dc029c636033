package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.FfnActivation;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The table of tasks of one launch of a kernel in products.cu: in the launch itself if they are few, else staged.
final class Tasks {
    /// Threads of a block, as in tasks.cuh; those of a product may be fewer.
    static final int THREADS = 256;

    /// Threads of a warp.
    static final int WARP = 32;

    private static final int LEAST_THREADS = 64; // which write the results of a tile
    private static final int LEAST_UNIT = 32; // columns of a warp

    /// Tasks that come with a launch.
    static final int MOST_FEW = 16;

    private static final long FEW_AT = Long.BYTES;
    static final long TASK_BYTES = 96;

    /// What a table takes of a launch's parameter; a kernel may have more behind it.
    static final long PARAMETER_BYTES = FEW_AT + MOST_FEW * TASK_BYTES;

    /// What becomes of a product; numbers.cuh has the same numbers from here.
    enum Activation {
        NOTHING,
        SWIGLU,
        CLAMPED_SWIGLU,
        LIMITED_SWIGLU,
        CAPPED_SWIGLU,
        GEGLU,
        RELU,
        SQUARED_RELU
    }

    private final CudaStream stream;
    private final Staging staging;
    private final ParameterBlock parameter;
    private final StructWriter writer = new StructWriter();
    private int count;
    private boolean many;
    private MemorySegment table;
    private long tableAt;
    private int added;
    private int mostCols;

    // of the task that is being described
    private long weights;
    private long up;
    private long bias;
    private long upBias;
    private long x;
    private int xStride;
    private long xRows;
    private long out;
    private int outStride;
    private long outRows;

    Tasks(CudaStream stream, Staging staging, ParameterBlock parameter) {
        this.stream = stream;
        this.staging = staging;
        this.parameter = parameter;
        table = parameter.bytes();
    }

    /// Starts a table of `count` tasks.
    void begin(int count) {
        this.count = count;
        added = 0;
        mostCols = 0;
        many = count > MOST_FEW;
        table = many ? staging.host() : parameter.bytes();
        tableAt = many ? staging.reserve(count * TASK_BYTES) : FEW_AT;
    }

    /// Starts the description of a task: a matrix and a bias, which may be 0.
    Tasks weights(long address, long biasAddress) {
        weights = address;
        bias = biasAddress;
        up = 0;
        upBias = 0;
        return this;
    }

    /// The second matrix of a gated activation.
    Tasks up(long address, long biasAddress) {
        up = address;
        upBias = biasAddress;
        return this;
    }

    /// Rows of activations `stride` floats apart, row `rows[i]` for the `i`-th if there is a list.
    Tasks x(long address, int stride, long rows) {
        x = address;
        xStride = stride;
        xRows = rows;
        return this;
    }

    Tasks out(long address, int stride, long rows) {
        out = address;
        outStride = stride;
        outRows = rows;
        return this;
    }

    /// Ends the description.
    @SuppressWarnings("EnumOrdinal") // numbers.cuh is made of them
    void add(int rows, int cols, int n, @Nullable FfnActivation activation) {
        Activation code = code(activation);
        float limit = 0;
        float alpha = 0;
        if (activation instanceof FfnActivation.ClampedSwiGlu clamped) {
            limit = clamped.limit();
            alpha = clamped.alpha();
        } else if (activation instanceof FfnActivation.LimitedSwiGlu limited) {
            limit = limited.limit();
        } else if (activation instanceof FfnActivation.CappedSwiGlu capped) {
            limit = capped.limit();
        }
        writer.begin(table, tableAt + added * TASK_BYTES)
                .address(weights)
                .address(up)
                .address(bias)
                .address(upBias)
                .address(x)
                .address(out)
                .address(xRows)
                .address(outRows)
                .number(rows)
                .number(cols)
                .number(n)
                .number(xStride)
                .number(outStride)
                .number(code.ordinal())
                .number(limit)
                .number(alpha);
        added++;
        mostCols = Math.max(mostCols, cols);
    }

    private static Activation code(@Nullable FfnActivation activation) {
        if (activation == null) {
            return Activation.NOTHING;
        }
        if (activation instanceof FfnActivation.SwiGlu) { // no switch on patterns, which may allocate
            return Activation.SWIGLU;
        }
        if (activation instanceof FfnActivation.ClampedSwiGlu) {
            return Activation.CLAMPED_SWIGLU;
        }
        if (activation instanceof FfnActivation.LimitedSwiGlu) {
            return Activation.LIMITED_SWIGLU;
        }
        if (activation instanceof FfnActivation.CappedSwiGlu) {
            return Activation.CAPPED_SWIGLU;
        }
        if (activation instanceof FfnActivation.GeGlu) {
            return Activation.GEGLU;
        }
        return activation instanceof FfnActivation.Relu ? Activation.RELU : Activation.SQUARED_RELU;
    }

    /// Launches a table of products, `x` by `y` blocks for each task, with no more warps than have columns.
    void launchProducts(CudaFunction kernel, int x, int y) {
        launch(kernel, x, y, Math.clamp((long) Math.ceilDiv(mostCols, LEAST_UNIT) * WARP, LEAST_THREADS, THREADS), 0);
    }

    /// Launches the table, `x` by `y` blocks for each task.
    void launch(CudaFunction kernel, int x, int y) {
        launch(kernel, x, y, 0);
    }

    /// Launches the table with so much dynamic shared memory for each block.
    void launch(CudaFunction kernel, int x, int y, int sharedBytes) {
        launch(kernel, x, y, THREADS, sharedBytes);
    }

    private void launch(CudaFunction kernel, int x, int y, int threads, int sharedBytes) {
        if (added != count) {
            throw new IllegalStateException(added + " tasks of " + count);
        }
        parameter.begin().address(many ? staging.send(tableAt, count * TASK_BYTES) : 0);
        kernel.launch(stream, x, y, count, threads, sharedBytes, parameter);
    }
}
