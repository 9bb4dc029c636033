package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import io.moetier.testdata.WarmCode;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What latent attention is on the processor beside its results: the same bits however tokens are cut, and no
/// allocation.
class LatentKernelsTest {
    private static final long SEED = 4712;

    private final Random random = new Random(SEED);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    private static DeviceBuffer buffer(CpuDevice device, float[] floats) {
        DeviceBuffer buffer = device.allocate(floats.length);
        device.upload(floats, 0, floats.length, buffer, 0);
        return buffer;
    }

    private static float[] read(CpuDevice device, DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device.download(buffer, 0, floats.length, floats, 0);
        return floats;
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aTokenAttendsWithTheSameBitsInEveryBatchAndOnEveryNumberOfThreads(KernelChoice choice) {
        int before = 301;
        int n = 37;
        for (KvType type : KvType.values()) {
            LatentShape shape = new LatentShape(20, 4, 8, 44, 0.1f);
            LatentLayer cache = new LatentLayer(arena, type, before + n, 44, 8);
            cache.reserve(before + n);
            for (int position = 0; position < before + n; position++) {
                cache.store(position, TestWeights.floats(44, random), 0, TestWeights.floats(8, random), 0);
            }
            float[] absorbed = TestWeights.floats(n * 20 * 44, random);
            float[] q = TestWeights.floats(n * 20 * 12, random);
            float[] expected = attention(5, choice, absorbed, q, n, before, shape, cache);
            assertArrayEquals(expected, attention(1, choice, absorbed, q, n, before, shape, cache));
            for (int i = 0; i < n; i++) {
                float[] row = Arrays.copyOfRange(absorbed, i * 20 * 44, (i + 1) * 20 * 44);
                float[] rowQ = Arrays.copyOfRange(q, i * 20 * 12, (i + 1) * 20 * 12);
                assertArrayEquals(
                        Arrays.copyOfRange(expected, i * 20 * 44, (i + 1) * 20 * 44),
                        attention(1 + i % 5, choice, row, rowQ, 1, before + i, shape, cache));
            }
        }
    }

    private static float[] attention(
            int threads,
            KernelChoice choice,
            float[] absorbed,
            float[] q,
            int n,
            int first,
            LatentShape shape,
            LatentLayer cache) {
        try (CpuDevice device = CpuDevice.open(threads, choice)) {
            DeviceBuffer out = device.allocate(absorbed.length);
            device.kernels().latentAttention(buffer(device, absorbed), buffer(device, q), n, first, shape, cache, out);
            return read(device, out);
        }
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aDecodedTokenAllocatesNothing(KernelChoice choice) {
        LatentShape shape = new LatentShape(4, 32, 8, 64, 0.1f);
        WeightMatrix[] absorb = IntStream.range(0, 4)
                .mapToObj(h -> TestWeights.matrix(arena, DType.BF16, 64, 32, random))
                .toArray(WeightMatrix[]::new);
        LatentLayer cache = new LatentLayer(arena, KvType.F16, 400, 64, 8);
        cache.reserve(400);
        try (CpuDevice device = CpuDevice.open(1, choice)) {
            Kernels kernels = device.kernels();
            DeviceBuffer q = buffer(device, TestWeights.floats(4 * 40, random));
            DeviceBuffer latent = buffer(device, TestWeights.floats(64, random));
            DeviceBuffer key = buffer(device, TestWeights.floats(8, random));
            DeviceBuffer absorbed = device.allocate(4 * 64);
            long allocated = WarmCode.allocated(0, () -> {
                for (int position = 0; position < 400; position++) {
                    kernels.storeLatents(latent, key, 1, position, cache);
                    kernels.matmulPerHead(absorb, q, 1, 40, absorbed);
                    kernels.latentAttention(absorbed, q, 1, position, shape, cache, absorbed);
                }
            });
            assertEquals(0, allocated);
        }
    }

    @Test
    void aPositionTakesWhatItsLatentAndItsKeyTake() {
        assertEquals(2 * (512 + 64), LatentLayer.bytesPerPosition(KvType.F16, 512, 64));
        LatentLayer cache = new LatentLayer(arena, KvType.F32, 300, 512, 64);
        cache.reserve(257);
        assertEquals(2L * LatentLayer.CHUNK_POSITIONS * 4 * (512 + 64), cache.allocatedBytes());
    }
}
