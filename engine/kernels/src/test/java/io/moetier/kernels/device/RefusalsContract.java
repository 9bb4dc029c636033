package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What the operations of every device refuse, in which words, and what they leave alone.
abstract class RefusalsContract extends DeviceFixture {
    @Test
    void nothingIsDoneForNoRows() {
        DeviceBuffer x = buffer(1, 2, 3, 4);
        WeightMatrix w = held(matrix(DType.F32, 4, 4));
        float[] four = {1, 1, 1, 1};
        int[] none = {};
        KvLayer cache = new KvLayer(arena, KvType.F16, 4, 1, 4);
        LatentLayer latents = new LatentLayer(arena, KvType.F16, 4, 2, 2);
        LinearAttentionShape linear = new LinearAttentionShape(1, 1, 2, 2, false);
        kernels.embed(w, none, 0, 0, x);
        kernels.rmsNorm(x, 0, 4, four, 1, x);
        kernels.layerNorm(x, 0, 4, four, null, 1, x);
        kernels.matmul(w, x, 0, x);
        kernels.matmul(new WeightMatrix[] {w}, x, 0, new DeviceBuffer[] {x});
        kernels.matmulPerHead(new WeightMatrix[] {w}, x, 0, 4, x);
        kernels.matmulRows(w, x, none, 0, 0, x, none);
        kernels.addBias(x, 0, 4, four);
        kernels.clamp(x, 0, 0);
        kernels.copy(x, 0, x);
        kernels.copyRows(x, none, none, 0, 0, 4, x);
        kernels.appendRows(x, 0, 4, x, 1);
        kernels.scale(x, 0, 0);
        kernels.scaleRows(x, four, 0, 1, 4, x);
        kernels.combine(x, 2, x, 2, 0, x);
        kernels.add(x, x, 0);
        kernels.rope(x, 0, 1, 4, 0, 0, RopeTable.of(4, 10000, false, Optional.empty()));
        kernels.storeKv(x, x, 0, 0, cache);
        kernels.attention(x, 0, 0, new AttentionShape(1, 1, 4, 1, 0), cache, x);
        kernels.storeLatents(x, x, 0, 0, latents);
        kernels.latentAttention(x, x, 0, 0, new LatentShape(1, 1, 2, 2, 1), latents, x);
        IndexLayer index = new IndexLayer(arena, KvType.F16, 4, 2);
        kernels.storeIndexKeys(x, 0, 0, index);
        kernels.chooseKeys(x, x, 0, 0, new IndexShape(2, 2, new KeyBlocks(1, 1, 1)), index, x);
        kernels.sequenceAttention(x, 0, 0, x, x, 1, new SequenceShape(1, 4, 1, false, 0), null, x);
        kernels.mutualAttention(x, x, x, 0, new SequenceShape(1, 4, 1, false, 0), x);
        kernels.route(x, 0, Routing.softmax(4, 1), null, none, new float[0]);
        ExpertChoices choices = new ExpertChoices(x);
        RouterWeights router = new RouterWeights(new WeightMatrix[] {w}, new float[1][], Routing.softmax(4, 1), null);
        kernels.route(router, x, 0, new DeviceBuffer[] {x}, choices);
        Largest largest = new Largest();
        kernels.largest(x, 0, 0, 3, largest);
        kernels.expertFfn(new ExpertBatch(), x, x);
        kernels.weightedSum(x, four, 0, 1, 4, x);
        kernels.weightedSum(x, choices, 0, 1, 4, x);
        kernels.addRows(x, 1, null, 0, 4, x);
        kernels.clear(x, 0);
        kernels.multiply(x, x, 0);
        kernels.activate(x, 0, Activation.SILU);
        kernels.addScaled(x, 0, 4, four, x);
        kernels.causalConvolution(x, 0, 4, four, null, x);
        kernels.selectiveScan(x, x, x, x, 0, 4, four, x, x);
        kernels.linearAttention(x, x, x, null, null, new float[1], 0, linear, x, x);
        StreamShape streams = new StreamShape(1, 0, 1, new float[3], new float[3]);
        kernels.connect(x, 0, streams, x);
        kernels.readStreams(x, x, 0, streams, 4, x);
        kernels.writeStreams(x, x, 0, streams, 4, x);
        LatentLayer rows = new LatentLayer(arena, KvType.F16, 4, 2, 0);
        kernels.compressedAttention(x, 0, 0, CompressedShape.of(1, 2, 1, null, 1, 0), rows, null, null, x);
        kernels.compress(x, x, four, 0, 0, new CompressedShape.Pooling(1, 4, false), x, x);
        kernels.weigh(x, 0, Routing.softmax(4, 1), none, new float[0]);
        assertArrayEquals(new float[] {1, 2, 3, 4}, read(x));
        assertEquals(0, largest.size());
    }

    static void assertRefused(String message, Executable call) {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, call);
        assertEquals(message, thrown.getMessage());
    }

    @Test
    void refusesBuffersThatAreTooShort() {
        DeviceBuffer x = zeros(4);
        DeviceBuffer y = zeros(3);
        WeightMatrix w = held(matrix(DType.F32, 2, 4));
        String three = "the buffer holds 3 floats, but 4 are needed";
        for (Executable each : new Executable[] {
            () -> kernels.add(x, y, 4),
            () -> kernels.add(y, x, 4),
            () -> kernels.multiply(x, y, 4),
            () -> kernels.combine(x, 1, x, 1, 4, y),
            () -> kernels.copy(x, 4, y),
            () -> kernels.clear(y, 4),
            () -> kernels.scale(y, 4, 2),
            () -> kernels.clamp(y, 4, 2),
            () -> kernels.activate(y, 4, Activation.SILU),
            () -> kernels.rmsNorm(x, 2, 2, new float[2], 1, y),
            () -> kernels.layerNorm(y, 2, 2, new float[2], null, 1, x),
            () -> kernels.addBias(y, 1, 4, new float[4]),
            () -> kernels.addScaled(x, 1, 4, new float[4], y),
            () -> kernels.addRows(x, 0, null, 2, 2, y),
            () -> kernels.scaleRows(x, new float[1], 1, 1, 4, y),
            () -> kernels.weightedSum(x, new float[1], 1, 1, 4, y),
            () -> kernels.matmul(w, y, 1, x),
            () -> kernels.matmul(new WeightMatrix[] {w}, y, 1, new DeviceBuffer[] {x}),
            () -> kernels.matmulRows(w, x, new int[1], 0, 1, y, new int[] {1}),
            () -> kernels.copyRows(x, new int[1], new int[] {1}, 0, 1, 2, y),
            () -> kernels.route(y, 1, Routing.softmax(4, 1), null, new int[1], new float[1]),
            () -> kernels.causalConvolution(x, 1, 4, new float[4], null, y),
            () -> kernels.embed(w, new int[1], 0, 1, y)
        }) {
            assertRefused(three, each);
        }
        assertRefused("the buffer holds 4 floats, but 8 are needed", () -> kernels.matmul(w, x, 1, 1, x, 0));
        assertRefused("the buffer holds 4 floats, but 6 are needed", () -> kernels.appendRows(y, 1, 3, x, 1));
        assertRefused("the buffer holds 4 floats, but 5 are needed", () -> kernels.largest(x, 2, 3, 1, new Largest()));
        assertRefused("there are no -1 floats from number 0 on", () -> kernels.clear(x, -1));
        assertRefused("there are no 4 floats from number -4 on", () -> kernels.matmul(w, x, -1, 1, x, 0));
        assertRefused("-1 rows of 4 floats", () -> kernels.rmsNorm(x, -1, 4, new float[4], 1, x));
    }

    @Test
    void refusesBuffersOfOthers() {
        DeviceBuffer other = new DeviceBuffer() {
            @Override
            public int length() {
                return 4;
            }

            @Override
            public String toString() {
                return "somebody's buffer";
            }
        };
        DeviceBuffer own = zeros(4);
        String message = "the buffer belongs to another device: somebody's buffer";
        assertRefused(message, () -> kernels.clear(other, 4));
        assertRefused(message, () -> kernels.add(own, other, 4));
        assertRefused(message, () -> kernels.rmsNorm(own, 1, 4, new float[4], 1, other));
    }

    @Test
    void refusesShapesThatDoNotSuitEachOther() {
        DeviceBuffer x = zeros(400);
        WeightMatrix narrow = held(matrix(DType.F32, 16, 32));
        WeightMatrix wide = held(matrix(DType.F32, 16, 64));
        WeightMatrix quantised = held(matrix(DType.Q8_0, 16, 32));
        KvLayer cache = new KvLayer(arena, KvType.F16, 10, 1, 8);
        LatentLayer latents = new LatentLayer(arena, KvType.F16, 10, 64, 8);
        LatentShape ofLatents = new LatentShape(2, 4, 16, 64, 1f);
        LinearAttentionShape linear = new LinearAttentionShape(1, 2, 4, 4, false);
        assertRefused("a norm of 4 columns has 3 weights", () -> kernels.rmsNorm(x, 1, 4, new float[3], 1, x));
        assertRefused("3 factors for 4 columns", () -> kernels.addScaled(x, 1, 4, new float[3], x));
        assertRefused("3 biases for 4 columns", () -> kernels.addBias(x, 1, 4, new float[3]));
        assertRefused("2 tokens with 3 rows each have 5 factors", () -> kernels.scaleRows(x, new float[5], 2, 3, 4, x));
        assertRefused(
                "2 tokens with 3 rows each have 5 factors", () -> kernels.weightedSum(x, new float[5], 2, 3, 4, x));
        assertRefused(
                "matrix 1, 16 x 64, beside one of 16 x 32",
                () -> kernels.matmul(new WeightMatrix[] {narrow, wide}, x, 1, new DeviceBuffer[] {x, x}));
        assertRefused(
                "1 matrices with 0 outputs",
                () -> kernels.matmul(new WeightMatrix[] {narrow}, x, 1, new DeviceBuffer[0]));
        assertRefused(
                "a matrix of 16 x 32 beside one of 16 x 32, for heads of 31 floats",
                () -> kernels.matmulPerHead(new WeightMatrix[] {narrow}, x, 1, 31, x));
        assertRefused(
                "heads of 33 floats, where weights of q8_0 need a multiple of 4",
                () -> kernels.matmulPerHead(new WeightMatrix[] {quantised}, x, 1, 33, x));
        assertRefused("there is no row -1", () -> kernels.copyRows(x, new int[] {-1}, new int[1], 0, 1, 4, x));
        assertRefused(
                "2 numbers from number 0 on, of a list of 1",
                () -> kernels.matmulRows(narrow, x, new int[1], 0, 2, x, new int[2]));
        assertRefused("token 16 of a table of 16 rows", () -> kernels.embed(narrow, new int[] {16}, 0, 1, x));
        assertRefused(
                "heads of 8 floats have no 8 to rotate from number 1 on",
                () -> kernels.rope(x, 1, 1, 8, 1, 0, RopeTable.of(8, 10000, false, Optional.empty())));
        assertRefused("1 tokens from position -1 on", () -> kernels.storeKv(x, x, 1, -1, cache));
        assertRefused(
                "the cache holds 10 positions, but position 10 was stored", () -> kernels.storeKv(x, x, 1, 10, cache));
        assertRefused(
                "the cache holds 10 positions, but position 10 is read",
                () -> kernels.attention(x, 1, 10, new AttentionShape(1, 1, 8, 1, 0), cache, x));
        assertThrows(
                IllegalStateException.class,
                () -> kernels.attention(x, 1, 0, new AttentionShape(1, 1, 8, 1, 0), cache, x));
        assertThrows(
                IllegalArgumentException.class,
                () -> kernels.attention(x, 1, 0, new AttentionShape(4, 2, 8, 1, 0), cache, x));
        assertRefused(
                "the cache holds 10 positions, but position 10 was stored",
                () -> kernels.storeLatents(x, x, 1, 10, latents));
        assertThrows(IllegalArgumentException.class, () -> kernels.latentAttention(x, x, 1, 0, ofLatents, latents, x));
        assertRefused(
                "1 tokens choose 4 experts each, with room for 3",
                () -> kernels.route(x, 1, Routing.softmax(16, 4), null, new int[3], new float[4]));
        assertRefused(
                "3 corrections for 16 columns",
                () -> kernels.route(x, 1, Routing.softmax(16, 4), new float[3], new int[4], new float[4]));
        assertRefused("the 0 largest, where 1 to 256 can be found", () -> kernels.largest(x, 0, 9, 0, new Largest()));
        assertRefused(
                "the 257 largest, where 1 to 256 can be found", () -> kernels.largest(x, 0, 9, 257, new Largest()));
        assertRefused(
                "a convolution of 8 channels has 12 taps",
                () -> kernels.causalConvolution(x, 1, 8, new float[12], null, x));
        assertRefused("9 rates for 8 channels", () -> kernels.selectiveScan(x, x, x, x, 1, 8, new float[9], x, x));
        assertRefused(
                "1 rates do not suit " + linear,
                () -> kernels.linearAttention(x, x, x, null, null, new float[1], 1, linear, x, x));
    }
}
