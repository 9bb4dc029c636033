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
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// That attention gives a token the same bits in every batch.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AttentionTest {
    private static final long SEED = 4711;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    private AttentionSinks sinks(int heads) {
        return new AttentionSinks(floats(heads, random));
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
}
