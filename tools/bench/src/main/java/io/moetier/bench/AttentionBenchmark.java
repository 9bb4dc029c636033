package io.moetier.bench;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import java.lang.foreign.Arena;
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

/// Attention of one token over a filled cache, and of a prompt, four query heads to each key head.
///
/// The layers take turns as they do in a model, so that most keys and values come from beyond the second-level cache.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class AttentionBenchmark {
    private static final int NUM_LAYERS = 4;
    private static final int NUM_HEADS = 16;
    private static final int NUM_KV_HEADS = 4;
    private static final int PROMPT = 512;
    private static final long SEED = 12;

    @Param({"512", "4096"})
    int positions = 512;

    @Param({"32", "64", "128"})
    int headDim = 32;

    @Param({"F16", "F32"})
    KvType kv = KvType.F16;

    @Param({"VECTOR", "NATIVE"})
    KernelChoice kernels = KernelChoice.VECTOR;

    @Param("1")
    int threads = 1;

    private final KvLayer[] layers = new KvLayer[NUM_LAYERS];
    private CpuDevice device;
    private AttentionShape shape;
    private DeviceBuffer q;
    private DeviceBuffer out;
    private int tokens;
    private int turn;

    /// Fills the caches.
    @Setup(Level.Trial)
    public void fill() {
        Random random = new Random(SEED);
        Arena arena = Arena.ofAuto();
        device = CpuDevice.open(threads, kernels);
        shape = new AttentionShape(NUM_HEADS, NUM_KV_HEADS, headDim, (float) (1 / Math.sqrt(headDim)), 0);
        tokens = Math.min(PROMPT, positions);
        q = Buffers.random(device, tokens * NUM_HEADS * headDim, random);
        out = device.allocate(tokens * NUM_HEADS * headDim);
        DeviceBuffer k = Buffers.random(device, positions * NUM_KV_HEADS * headDim, random);
        DeviceBuffer v = Buffers.random(device, positions * NUM_KV_HEADS * headDim, random);
        for (int i = 0; i < NUM_LAYERS; i++) {
            layers[i] = new KvLayer(arena, kv, positions, NUM_KV_HEADS, headDim);
            device.kernels().storeKv(k, v, positions, 0, layers[i]);
        }
    }

    /// Attends from the last position. Counts keys and values once for each query head, as they are read.
    @Benchmark
    public DeviceBuffer decode(Work work) {
        return attend(1, positions, work);
    }

    /// Attends from the last positions, 512 at most. Counts as if each read its keys and values for itself.
    @Benchmark
    public DeviceBuffer prefill(Work work) {
        long keys = (long) tokens * (2 * positions - tokens + 1) / 2;
        return attend(tokens, keys, work);
    }

    private DeviceBuffer attend(int n, long keys, Work work) {
        turn = (turn + 1) % NUM_LAYERS;
        device.kernels().attention(q, n, positions - n, shape, layers[turn], out);
        long elements = 2 * NUM_HEADS * keys * headDim;
        work.read(kv.bytes() * elements);
        work.computed(2 * elements);
        return out;
    }

    /// Ends the device's threads.
    @TearDown(Level.Trial)
    public void close() {
        device.close();
    }
}
