package io.moetier.bench;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.RopeTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What a layer does to each token beside products and attention: norms, rotations, keys and values into their cache,
/// the sum of the experts and the residuals, one operation after the other as in a model.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class LayerBenchmark {
    private static final int NUM_HEADS = 16;
    private static final int HEAD_DIM = 64;
    private static final int COLS = NUM_HEADS * HEAD_DIM;
    private static final int EXPERTS = 4;
    private static final long SEED = 13;

    @Param({"1", "128"})
    int tokens = 1;

    @Param({"VECTOR", "NATIVE"})
    KernelChoice kernels = KernelChoice.VECTOR;

    @Param("1")
    int threads = 1;

    private final RopeTable rope = RopeTable.of(HEAD_DIM, 10000, false, Optional.empty());
    private final float[] norm = new float[COLS];
    private final float[] weights = new float[128 * EXPERTS];
    private CpuDevice device;
    private KvLayer cache;
    private DeviceBuffer hidden;
    private DeviceBuffer normed;
    private DeviceBuffer experts;

    /// Makes the activations.
    @Setup(Level.Trial)
    public void fill() {
        Random random = new Random(SEED);
        device = CpuDevice.open(threads, kernels);
        cache = new KvLayer(Arena.ofAuto(), KvType.F16, tokens, NUM_HEADS, HEAD_DIM);
        Arrays.fill(norm, 1f);
        Arrays.fill(weights, 1f / EXPERTS);
        hidden = Buffers.random(device, tokens * COLS, random);
        normed = device.allocate(tokens * COLS);
        experts = Buffers.random(device, tokens * EXPERTS * COLS, random);
    }

    /// Ends with a norm, so that activations stay of one size.
    @Benchmark
    public DeviceBuffer layer() {
        Kernels layer = device.kernels();
        layer.rmsNorm(hidden, tokens, COLS, norm, 1e-5f, normed);
        layer.rope(normed, tokens, NUM_HEADS, HEAD_DIM, 0, 0, rope);
        layer.storeKv(normed, hidden, tokens, 0, cache);
        layer.add(hidden, normed, tokens * COLS);
        layer.weightedSum(experts, weights, tokens, EXPERTS, COLS, normed);
        layer.add(hidden, normed, tokens * COLS);
        layer.rmsNorm(hidden, tokens, COLS, norm, 1e-5f, hidden);
        return hidden;
    }

    /// Ends the device's threads.
    @TearDown(Level.Trial)
    public void close() {
        device.close();
    }
}
