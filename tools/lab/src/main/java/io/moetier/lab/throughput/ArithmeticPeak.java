package io.moetier.lab.throughput;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// How many operations a second a device's kernels do with weights of a type that caches hold, for so many tokens that
/// reading them does not count: the roof of a roofline, as the engine's own kernels reach it.
public final class ArithmeticPeak {
    private static final int ROWS = 512;
    private static final int COLUMNS = 512;
    private static final int TOKENS = 256;
    private static final long NANOS = 300_000_000;
    private static final byte FILL = 0x3c; // no type makes it infinite or subnormal

    private ArithmeticPeak() {}

    /// Returns the operations a second of the fastest product, for 0.3 s of them.
    public static double measure(Device device, DType type) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment bytes = AnonymousMemory.allocate(WeightMatrix.packedBytes(type, ROWS, COLUMNS), arena)
                    .fill(FILL);
            WeightMatrix weights = new WeightMatrix(type, ROWS, COLUMNS, bytes);
            DeviceBuffer in = device.allocate(TOKENS * COLUMNS);
            DeviceBuffer out = device.allocate(TOKENS * ROWS);
            long least = Long.MAX_VALUE;
            long begin = System.nanoTime();
            do {
                long start = System.nanoTime();
                device.kernels().matmul(weights, in, TOKENS, out);
                least = Math.min(least, System.nanoTime() - start);
            } while (System.nanoTime() - begin < NANOS);
            return 2e9 * ROWS * COLUMNS * TOKENS / least;
        }
    }
}
