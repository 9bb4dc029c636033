package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.testdata.WarmCode;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What sparse attention is on the processor beside its results: the same bits however tokens are cut, those of
/// attention to all keys where all are chosen, and no allocation.
class ChosenKeysTest {
    private static final int BEFORE = 290;
    private static final int N = 37;
    private static final int HEADS = 5;
    private static final int DIM = 24;

    private final Random random = new Random(4713);
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

    private float[] floats(int length) {
        return TestWeights.floats(length, random);
    }

    private IndexLayer index(KvType type) {
        IndexLayer cache = new IndexLayer(arena, type, BEFORE + N, DIM);
        cache.reserve(BEFORE + N);
        for (int position = 0; position < BEFORE + N; position++) {
            cache.store(position, floats(DIM), 0);
        }
        return cache;
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aTokenChoosesTheSameInEveryBatchAndOnEveryNumberOfThreads(KernelChoice choice) {
        for (KvType type : KvType.values()) {
            chooses(choice, type, new KeyBlocks(1, 60, 1), floats(N * HEADS));
            chooses(choice, type, new KeyBlocks(HEADS, 4, 16), null);
        }
    }

    private void chooses(KernelChoice choice, KvType type, KeyBlocks blocks, float @Nullable [] weights) {
        IndexShape shape = new IndexShape(HEADS, DIM, blocks);
        IndexLayer cache = index(type);
        float[] q = floats(N * HEADS * DIM);
        float[] expected = choose(5, choice, q, weights, BEFORE, shape, cache);
        assertArrayEquals(expected, choose(1, choice, q, weights, BEFORE, shape, cache));
        for (int i = 0; i < N; i++) {
            float[] row = Arrays.copyOfRange(q, i * HEADS * DIM, (i + 1) * HEADS * DIM);
            float[] factors = weights == null ? null : Arrays.copyOfRange(weights, i * HEADS, (i + 1) * HEADS);
            assertArrayEquals(
                    Arrays.copyOfRange(expected, i * blocks.floats(), (i + 1) * blocks.floats()),
                    choose(1 + i % 5, choice, row, factors, BEFORE + i, shape, cache));
        }
    }

    private static float[] choose(
            int threads,
            KernelChoice choice,
            float[] q,
            float @Nullable [] weights,
            int first,
            IndexShape shape,
            IndexLayer cache) {
        int n = q.length / (HEADS * DIM);
        try (CpuDevice device = CpuDevice.open(threads, choice)) {
            DeviceBuffer out = device.allocate(n * shape.blocks().floats());
            DeviceBuffer factors = weights == null ? null : buffer(device, weights);
            device.kernels().chooseKeys(buffer(device, q), factors, n, first, shape, cache, out);
            return read(device, out);
        }
    }

    private KvLayer keys(KvType type) {
        KvLayer cache = new KvLayer(arena, type, BEFORE + N, 2, DIM);
        cache.reserve(BEFORE + N);
        for (int position = 0; position < BEFORE + N; position++) {
            for (int head = 0; head < 2; head++) {
                cache.store(position, head, floats(DIM), 0, floats(DIM), 0);
            }
        }
        return cache;
    }

    /// Returns for each list of a batch every second block before a query, and its own.
    private static float[] everySecond(KeyBlocks blocks) {
        float[] chosen = new float[N * blocks.floats()];
        for (int list = 0; list < N * blocks.numHeads(); list++) {
            int own = (BEFORE + list / blocks.numHeads()) / blocks.length();
            for (int i = 0; i < blocks.most(); i++) {
                chosen[list * blocks.most() + i] = own - 2 * (blocks.most() - 1 - i);
            }
        }
        return chosen;
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aTokenAttendsWithTheSameBitsInEveryBatchAndOnEveryNumberOfThreads(KernelChoice choice) {
        AttentionShape shape = new AttentionShape(6, 2, DIM, 0.2f, 0);
        KeyBlocks blocks = new KeyBlocks(2, 8, 16);
        int width = 6 * DIM;
        float[] chosen = everySecond(blocks);
        for (KvType type : KvType.values()) {
            KvLayer cache = keys(type);
            float[] q = floats(N * width);
            float[] expected = attend(5, choice, q, BEFORE, shape, cache, chosen, blocks);
            assertArrayEquals(expected, attend(1, choice, q, BEFORE, shape, cache, chosen, blocks));
            for (int i = 0; i < N; i++) {
                float[] row = Arrays.copyOfRange(q, i * width, (i + 1) * width);
                float[] ofRow = Arrays.copyOfRange(chosen, i * blocks.floats(), (i + 1) * blocks.floats());
                assertArrayEquals(
                        Arrays.copyOfRange(expected, i * width, (i + 1) * width),
                        attend(1 + i % 5, choice, row, BEFORE + i, shape, cache, ofRow, blocks));
            }
        }
    }

    private static float[] attend(
            int threads,
            KernelChoice kernels,
            float[] q,
            int first,
            AttentionShape shape,
            KvLayer cache,
            float[] chosen,
            KeyBlocks blocks) {
        try (CpuDevice device = CpuDevice.open(threads, kernels)) {
            DeviceBuffer out = device.allocate(q.length);
            KeyChoice choice = chosen.length == 0 ? null : new KeyChoice(buffer(device, chosen), blocks);
            int n = q.length / (shape.numHeads() * shape.headDim());
            device.kernels().attention(buffer(device, q), n, first, shape, cache, choice, out);
            return read(device, out);
        }
    }

    /// The first of the tokens read all keys, the last do not.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void whereAllKeysAreChosenTheBitsAreThoseOfAttentionToAll(KernelChoice choice) {
        AttentionShape shape = new AttentionShape(6, 2, DIM, 0.2f, 0);
        int width = 6 * DIM;
        KvLayer cache = keys(KvType.F16);
        float[] q = floats(N * width);
        float[] dense = attend(3, choice, q, BEFORE, shape, cache, new float[0], new KeyBlocks(2, 1, 1));
        int all = 19; // blocks of sixteen before position 304
        KeyBlocks blocks = new KeyBlocks(2, all, 16);
        float[] chosen = new float[N * blocks.floats()];
        for (int i = 0; i < chosen.length; i++) {
            chosen[i] = i % all;
        }
        float[] sparse = attend(3, choice, q, BEFORE, shape, cache, chosen, blocks);
        int same = (16 * all - BEFORE) * width;
        assertArrayEquals(Arrays.copyOf(dense, same), Arrays.copyOf(sparse, same));
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void aDecodedTokenAllocatesNothing(KernelChoice choice) {
        LatentShape shape = new LatentShape(4, 32, 8, 64, 0.1f);
        IndexShape ofIndex = new IndexShape(HEADS, DIM, new KeyBlocks(1, 50, 1));
        LatentLayer cache = new LatentLayer(arena, KvType.F16, 400, 64, 8);
        IndexLayer index = new IndexLayer(arena, KvType.F16, 400, DIM);
        cache.reserve(400);
        index.reserve(400);
        try (CpuDevice device = CpuDevice.open(1, choice)) {
            Kernels kernels = device.kernels();
            DeviceBuffer q = buffer(device, floats(4 * 40));
            DeviceBuffer latent = buffer(device, floats(64));
            DeviceBuffer key = buffer(device, floats(DIM));
            DeviceBuffer indexQuery = buffer(device, floats(HEADS * DIM));
            DeviceBuffer weights = buffer(device, floats(HEADS));
            DeviceBuffer absorbed = device.allocate(4 * 64);
            KeyChoice chosen = new KeyChoice(device.allocate(50), ofIndex.blocks());
            long allocated = WarmCode.allocated(0, () -> {
                for (int position = 0; position < 400; position++) {
                    kernels.storeLatents(latent, key, 1, position, cache);
                    kernels.storeIndexKeys(key, 1, position, index);
                    kernels.chooseKeys(indexQuery, weights, 1, position, ofIndex, index, chosen.blocks());
                    kernels.latentAttention(absorbed, q, 1, position, shape, cache, chosen, absorbed);
                }
            });
            assertEquals(0, allocated);
        }
    }

    @Test
    void aPositionTakesWhatItsIndexKeyTakes() {
        assertEquals(2 * 128, IndexLayer.bytesPerPosition(KvType.F16, 128));
        IndexLayer cache = new IndexLayer(arena, KvType.F32, 300, 128);
        cache.reserve(257);
        assertEquals(2L * KvLayer.CHUNK_POSITIONS * 4 * 128, cache.allocatedBytes());
    }
}
