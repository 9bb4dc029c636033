package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.SequenceShape;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Attention over caches and rows.
///
/// Tolerance: scores near ten are off by 1e-6 where they are summed in float32, and so is the exponential of them; the
/// result is an average of values near 1.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AttentionTest {
    private static final long SEED = 4711;
    private static final double TOLERANCE = 2e-5;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    private AttentionSinks sinks(int heads) {
        return new AttentionSinks(floats(heads, random));
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void attendsOverTheCache(KvType type) {
        AttentionShape[] shapes = {
            new AttentionShape(6, 2, 32, 0.2f, 0),
            new AttentionShape(4, 4, 7, 0.3f, 5),
            new AttentionShape(4, 2, 80, 0.1f, 45).withSinks(sinks(4)),
            new AttentionShape(6, 3, 16, 0.2f, 0).withChunk(40).withTiledHeads(),
            new AttentionShape(2, 1, 128, 0.1f, 0).withSinks(sinks(2)),
            new AttentionShape(1, 1, 1, 1f, 0)
        };
        int[][] texts = {{0, 1}, {0, 5}, {37, 3}, {250, 40}};
        for (AttentionShape shape : shapes) {
            for (int[] text : texts) {
                attends(type, shape, text[0], text[1]);
            }
        }
    }

    /// Several spans of positions.
    @ParameterizedTest
    @EnumSource(KvType.class)
    void attendsOverLongTexts(KvType type) {
        attends(type, new AttentionShape(2, 1, 16, 0.2f, 0).withSinks(sinks(2)), 2040, 10);
        attends(type, new AttentionShape(2, 1, 16, 0.2f, 600), 2040, 20);
    }

    private void attends(KvType type, AttentionShape shape, int before, int n) {
        Text text = new Text(shape, before, n, random);
        devices.assertClose(
                TOLERANCE,
                SEED + ": " + type + ", " + shape + " at " + before,
                (device, arena) -> text.attend(device, arena, type, 0, n));
    }

    /// Keys, values and queries.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Text(AttentionShape shape, int before, int n, float[] keys, float[] values, float[] queries) {
        Text(AttentionShape shape, int before, int n, Random random) {
            int kv = (before + n) * shape.numKvHeads() * shape.headDim();
            int q = n * shape.numHeads() * shape.headDim();
            this(shape, before, n, floats(kv, random), floats(kv, random), floats(q, random));
        }

        /// Queries `from` to `to`.
        DeviceBuffer attend(Device device, Arena arena, KvType type, int from, int to) {
            KvLayer cache = new KvLayer(arena, type, before + n, shape.numKvHeads(), shape.headDim());
            device.kernels().storeKv(buffer(device, arena, keys), buffer(device, arena, values), before + n, 0, cache);
            int width = shape.numHeads() * shape.headDim();
            DeviceBuffer q = buffer(device, arena, Arrays.copyOfRange(queries, from * width, to * width));
            DeviceBuffer out = device.allocate((to - from) * width, arena);
            device.kernels().attention(q, to - from, before + from, shape, cache, out);
            return out;
        }
    }

    @Test
    void aTokenAttendsWithTheSameBitsInEveryBatch() {
        AttentionShape plain = new AttentionShape(6, 2, 24, 0.2f, 0);
        for (AttentionShape shape :
                new AttentionShape[] {plain, plain.withSinks(sinks(6)), new AttentionShape(6, 2, 24, 0.2f, 45)}) {
            for (int before : new int[] {301, 1020}) {
                Text text = new Text(shape, before, 7, random);
                float[] together = devices.onCuda((device, arena) -> text.attend(device, arena, KvType.F16, 0, 7));
                int width = 6 * 24;
                for (int i = 0; i < 7; i += 3) {
                    int row = i;
                    float[] alone =
                            devices.onCuda((device, arena) -> text.attend(device, arena, KvType.F16, row, row + 1));
                    assertArrayEquals(
                            Arrays.copyOfRange(together, row * width, (row + 1) * width), alone, SEED + ": " + shape);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void attendsOverLatents(KvType type) {
        int[][] cases = {{20, 4, 6, 41, 250, 40}, {1, 1, 2, 3, 3, 5}, {3, 2, 8, 24, 60, 2}, {2, 64, 64, 512, 30, 2}};
        for (int[] c : cases) {
            LatentShape shape = new LatentShape(c[0], c[1], c[2], c[3], 0.05f);
            int before = c[4];
            int n = c[5];
            float[] latents = floats((before + n) * shape.latentDim(), random);
            float[] keys = floats((before + n) * shape.ropeDim(), random);
            float[] absorbed = floats(n * shape.numHeads() * shape.latentDim(), random);
            float[] q = floats(n * shape.numHeads() * shape.queryDim(), random);
            devices.assertClose(TOLERANCE, SEED + ": " + type + ", " + shape, (device, arena) -> {
                LatentLayer cache = new LatentLayer(arena, type, before + n, shape.latentDim(), shape.ropeDim());
                device.kernels()
                        .storeLatents(
                                buffer(device, arena, latents), buffer(device, arena, keys), before + n, 0, cache);
                DeviceBuffer inPlace = buffer(device, arena, absorbed);
                DeviceBuffer queries = buffer(device, arena, q);
                device.kernels().latentAttention(inPlace, queries, n, before, shape, cache, inPlace);
                return inPlace;
            });
        }
    }

    @Test
    void attendsOverRows() {
        for (int headDim : new int[] {8, 5}) {
            SequenceShape biased = new SequenceShape(3, headDim, 0.3f, true, 4);
            SequenceShape open = new SequenceShape(3, headDim, 0.3f, false, 0);
            float[] bias = floats(3 * 9, random);
            sequence(biased, bias, 5, 9, 14);
            sequence(open, null, 3, 0, 20);
            sequence(open, null, 1, 0, 1100);
        }
    }

    private void sequence(SequenceShape shape, float @Nullable [] bias, int n, int first, int numKeys) {
        int width = shape.numHeads() * shape.headDim();
        float[] q = floats(n * width, random);
        float[] k = floats(numKeys * width, random);
        float[] v = floats(numKeys * width, random);
        devices.assertClose(TOLERANCE, SEED + ": " + shape, (device, arena) -> {
            DeviceBuffer out = device.allocate(n * width, arena);
            device.kernels()
                    .sequenceAttention(
                            buffer(device, arena, q),
                            n,
                            first,
                            buffer(device, arena, k),
                            buffer(device, arena, v),
                            numKeys,
                            shape,
                            bias == null ? null : buffer(device, arena, bias),
                            out);
            return out;
        });
    }
}
