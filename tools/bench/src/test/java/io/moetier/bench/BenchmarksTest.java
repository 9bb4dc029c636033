package io.moetier.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.lab.simulate.Admission;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.DType;
import io.moetier.testdata.TestData;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every benchmark runs once, so that none rots.
class BenchmarksTest {
    private final Work work = new Work();

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void kernelsMultiply(DType dtype) {
        KernelBenchmark.Matrices matrices = new KernelBenchmark.Matrices();
        matrices.shape = "64x256";
        matrices.dtype = dtype;
        matrices.kernels = KernelChoice.AUTO;
        matrices.threads = 2;
        matrices.pack();
        try {
            KernelBenchmark benchmark = new KernelBenchmark();
            assertEquals(128 * 64, benchmark.gemv(matrices, work).length());
            assertEquals(128 * 64, benchmark.gemm(matrices, work).length());
        } finally {
            matrices.close();
        }
        assertEquals(1e-9 * 2 * 129 * 64 * 256, work.gigaflops, 1e-15);
        assertTrue(work.gigabytes > 0);
    }

    @Test
    void everyByteIsRead() {
        ReadableMemory memory = new ReadableMemory();
        memory.threads = 2;
        memory.megabytes = 12;
        memory.fill();
        try {
            assertEquals(2, new KernelBenchmark().read(memory, work));
        } finally {
            memory.close();
        }
        assertEquals(1e-9 * (12 << 20), work.gigabytes, 1e-15);
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64, 128})
    void attentionDecodesAndPrefills(int headDim) {
        AttentionBenchmark benchmark = new AttentionBenchmark();
        benchmark.headDim = headDim;
        benchmark.positions = 40;
        benchmark.fill();
        try {
            assertEquals(40 * 16 * headDim, benchmark.decode(work).length());
            assertEquals(40 * 16 * headDim, benchmark.prefill(work).length());
        } finally {
            benchmark.close();
        }
        int keys = 40 + 40 * 41 / 2;
        assertEquals(1e-9 * 2 * 2 * 16 * keys * headDim, work.gigaflops, 1e-15);
    }

    @Test
    void towersRead() {
        TowerBenchmark benchmark = new TowerBenchmark();
        benchmark.side = 4;
        benchmark.layers = 1;
        benchmark.kernels = KernelChoice.AUTO;
        benchmark.fill();
        try {
            assertEquals(4, benchmark.read(work));
        } finally {
            benchmark.close();
        }
        long ofLayer = 4L * 1152 * 1152 + 2L * 1152 * 4304 + 4 * 1152 + 4304 + 1152;
        long ofPatches = 1536L * 1152 + 1152;
        long ofMerger = 4608L * 4608 + 4608 + 4608L * 2048 + 2048;
        long attention = 4L * 16 * 16 * 1152;
        assertEquals(1e-9 * (2 * 16 * (ofLayer + ofPatches) + 2 * 4 * ofMerger + attention), work.gigaflops, 1e-15);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 128})
    void layersGoOn(int tokens) {
        LayerBenchmark benchmark = new LayerBenchmark();
        benchmark.tokens = tokens;
        benchmark.kernels = KernelChoice.AUTO;
        benchmark.fill();
        try {
            assertEquals(tokens * 1024, benchmark.layer().length());
        } finally {
            benchmark.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void tracesAreReplayed(Admission admission) {
        ReplayBenchmark benchmark = new ReplayBenchmark();
        benchmark.trace = TestData.trace("gpt-oss-20b_misc_small").toString();
        benchmark.admission = admission;
        ReplayBenchmark.Replayed replayed = new ReplayBenchmark.Replayed();
        assertTrue(benchmark.replay(replayed).hitRate() > 0.6);
        assertEquals(1461 * 24 * 4, replayed.accesses);
    }

    static List<String> policies() {
        return Policies.names();
    }

    @ParameterizedTest
    @MethodSource("policies")
    void cachesAreAccessed(String policy) {
        ExpertCacheBenchmark benchmark = new ExpertCacheBenchmark();
        benchmark.policy = policy;
        benchmark.fill();
        assertTrue(benchmark.decisions(new ExpertCacheBenchmark.ProcessorTime()) > 0);
    }
}
