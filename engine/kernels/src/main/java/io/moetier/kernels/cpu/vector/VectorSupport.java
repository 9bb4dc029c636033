package io.moetier.kernels.cpu.vector;

import java.util.Optional;
import jdk.incubator.vector.FloatVector;

/// What this JVM makes of the Vector API on this processor.
///
/// Where it has no instruction for an operation it takes Java code, hundreds of times slower than plain loops: a
/// multiplication and addition that cannot be fused is computed with `BigDecimal`.
///
/// @param bits the width of a vector; 64 where there are none
/// @param fusesMultiplyAdd whether `fma` is an instruction
public record VectorSupport(int bits, boolean fusesMultiplyAdd) {
    private static final int LEAST_BITS = 128;
    private static final int BATCHES = 8;
    private static final int BATCH = 16;
    private static final int SLOW = 20;
    private static final long LEAST_NANOS = 100;

    /// Returns that of this JVM, which has the Vector API.
    public static VectorSupport ofProcess() {
        return new VectorSupport(FloatVector.SPECIES_PREFERRED.vectorBitSize(), fmaIsAnInstruction());
    }

    /// Returns why plain loops are faster, if they are.
    public Optional<String> objection() {
        if (bits < LEAST_BITS) {
            return Optional.of("this JVM has no vectors here");
        }
        return fusesMultiplyAdd ? Optional.empty() : Optional.of("there is no fused multiply-add here");
    }

    /// Measures, for the JVM tells only those who load its management classes, which takes 15 ms, and this some 50 µs.
    /// The interpreter, too, has the instruction or `BigDecimal`; with the latter it takes 500 times as long as a
    /// multiplication and an addition. The fastest batches are compared: other work on the core slows only some.
    private static boolean fmaIsAnInstruction() {
        float[] x = {0.5f, 0.3f, 0.7f, 0.1f};
        long leastFused = Long.MAX_VALUE;
        long leastSeparate = Long.MAX_VALUE;
        float difference = 0;
        for (int batch = 0; batch < BATCHES; batch++) {
            long start = System.nanoTime();
            float fused = fused(x);
            long middle = System.nanoTime();
            float separate = separate(x);
            long end = System.nanoTime();
            leastFused = Math.min(leastFused, middle - start);
            leastSeparate = Math.min(leastSeparate, end - middle);
            difference = Math.max(difference, Math.abs(fused - separate));
        }
        // What was computed is asked for, lest it be left out.
        return isFast(leastFused, leastSeparate) && difference < 1;
    }

    /// Says whether instructions computed a batch, by what the fastest took and the fastest of separate operations.
    static boolean isFast(long fusedNanos, long separateNanos) {
        return fusedNanos < SLOW * Math.max(LEAST_NANOS, separateNanos);
    }

    private static float fused(float[] x) {
        float sum = 1;
        for (int i = 0; i < BATCH; i++) {
            sum = Math.fma(x[i & 3], sum, x[i >> 2]);
        }
        return sum;
    }

    private static float separate(float[] x) {
        float sum = 1;
        for (int i = 0; i < BATCH; i++) {
            sum = x[i & 3] * sum + x[i >> 2];
        }
        return sum;
    }
}
