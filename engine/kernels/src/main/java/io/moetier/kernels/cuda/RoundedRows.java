package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;

/// Activations as the kernels of rounded.cu read them: each 32 of them a block of whole numbers with a scale, in the
/// order of the activations.
///
/// What was rounded is there until the next [#begin()].
final class RoundedRows implements AutoCloseable {
    /// Activations of a block.
    static final int BLOCK = 32;

    private static final int HEADER_BYTES = 16;
    private static final int THREADS = 256;
    private static final int BLOCKS_TOGETHER = 8; // of one block of threads

    private final CudaStream stream;
    private final ParameterBlock parameter;
    private final CudaFunction kernel;
    private final int blockBytes;
    private final Scratch blocks;
    private boolean rounded;

    /// @param digits whole numbers of an activation
    RoundedRows(CudaHeap heap, CudaStream stream, ParameterBlock parameter, CudaFunction kernel, int digits) {
        this.stream = stream;
        this.parameter = parameter;
        this.kernel = kernel;
        blockBytes = HEADER_BYTES + digits * BLOCK;
        blocks = new Scratch(heap);
    }

    /// Forgets what was rounded.
    void begin() {
        rounded = false;
    }

    /// Returns the bytes of the blocks of `floats` activations, whole blocks.
    long bytes(long floats) {
        return floats / BLOCK * blockBytes;
    }

    /// Returns how far apart rows of `floats` activations are, counted in floats.
    int stride(int floats) {
        return floats / BLOCK * (blockBytes / Float.BYTES);
    }

    /// Rounds `floats` activations at `x`, unless they were since [#begin()]; returns where their blocks are.
    long round(long x, long floats) {
        long to = reserve(floats);
        if (isDue()) {
            roundPart(x, to, floats);
        }
        return to;
    }

    /// Rounds some rows, unless they were since [#begin()]; returns where the blocks of row 0 are.
    ///
    /// @param floats of all rows that there are, which have room for their blocks
    /// @param rows on the device, the numbers of `n` rows of `cols` activations
    long roundRows(long x, long floats, long rows, int n, int cols) {
        long to = reserve(floats);
        if (isDue()) {
            launch(x, to, rows, n, cols / BLOCK);
        }
        return to;
    }

    /// Returns where the blocks of `floats` activations are, for [#roundPart].
    long reserve(long floats) {
        return blocks.reserve(bytes(floats) / Float.BYTES);
    }

    /// Says whether nothing was rounded since [#begin()], once.
    boolean isDue() {
        boolean due = !rounded;
        rounded = true;
        return due;
    }

    /// Rounds `floats` activations at `x` to blocks at `to`.
    void roundPart(long x, long to, long floats) {
        launch(x, to, 0, 1, Math.toIntExact(floats / BLOCK));
    }

    private void launch(long x, long to, long rows, int n, int count) {
        parameter.begin().address(x).address(to).address(rows).number(count);
        kernel.launch(stream, Math.ceilDiv(count, BLOCKS_TOGETHER), n, 1, THREADS, parameter);
    }

    long byteSize() {
        return blocks.byteSize();
    }

    @Override
    public void close() {
        blocks.close();
    }
}
