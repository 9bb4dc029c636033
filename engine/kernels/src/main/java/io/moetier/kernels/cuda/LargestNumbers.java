package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.device.Largest;

/// Finds the largest of many numbers: those of each part of them first, then those of what was found, until there is
/// one part.
final class LargestNumbers implements AutoCloseable {
    private static final int THREADS = 256;
    private static final int PART = 4096;
    private static final int FLOATS_OF_KEY = Long.BYTES / Float.BYTES;

    private final CudaStream stream;
    private final KernelModules kernels;
    private final Staging staging;
    private final ParameterBlock parameter;
    private final Scratch keys;

    LargestNumbers(CudaHeap heap, CudaStream stream, KernelModules kernels, Staging staging, ParameterBlock parameter) {
        keys = new Scratch(heap);
        this.stream = stream;
        this.kernels = kernels;
        this.staging = staging;
        this.parameter = parameter;
    }

    /// As [io.moetier.kernels.device.Kernels#largest], of `n` floats at `x`.
    void find(long x, int n, int k, Largest out) {
        int most = Math.min(k, n);
        long roundBytes = (long) Long.BYTES * parts(n) * most;
        long target = keys.reserve(2L * FLOATS_OF_KEY * parts(n) * most);
        long other = target + roundBytes;
        launch(x, 0, target, n, most);
        int left = parts(n) * most;
        while (left > most) {
            launch(0, target, other, left, most);
            left = parts(left) * most;
            long written = other;
            other = target;
            target = written;
        }
        out.take(staging.download(target, (long) most * Long.BYTES), most);
    }

    private void launch(long numbers, long found, long out, int n, int k) {
        parameter.begin().address(numbers).address(found).address(out).number(n).number(k);
        kernels.largestOfParts.launch(stream, parts(n), 1, 1, THREADS, parameter);
    }

    private static int parts(int n) {
        return Math.ceilDiv(n, PART);
    }

    long byteSize() {
        return keys.byteSize();
    }

    @Override
    public void close() {
        keys.close();
    }
}
