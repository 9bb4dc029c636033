package io.moetier.kernels.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import io.moetier.testdata.TestData;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowEncoderTest {
    /// Root mean square errors of ggml's reference quantisers on the weights of the test model, and of all its
    /// matrices whose rows are whole blocks; printed by `test-data/formats/measure_rmse.py` with the library of
    /// llama.cpp that node-llama-cpp 3.22.1 brings.
    private static final String GGML = """
            q4_0 all 0.00598375
            q4_0 embed_tokens 0.0125385
            q4_0 layers.0.block_sparse_moe.experts.0.w1 0.00500863
            q4_0 layers.0.block_sparse_moe.experts.0.w2 0.00523193
            q4_0 layers.0.block_sparse_moe.experts.0.w3 0.00488763
            q4_0 layers.0.self_attn.k_proj 0.00530843
            q4_0 layers.0.self_attn.o_proj 0.00210698
            q4_0 layers.0.self_attn.q_proj 0.00517952
            q4_0 layers.0.self_attn.v_proj 0.00211426
            q4_0 layers.7.block_sparse_moe.experts.15.w1 0.0057837
            q4_0 layers.7.block_sparse_moe.experts.15.w2 0.00572329
            q4_0 layers.7.block_sparse_moe.experts.15.w3 0.00619299
            q4_k all 0.00484718
            q4_k embed_tokens 0.00813004
            q4_k layers.0.block_sparse_moe.experts.0.w1 0.00419688
            q4_k layers.0.block_sparse_moe.experts.0.w3 0.00406273
            q4_k layers.0.self_attn.k_proj 0.00444023
            q4_k layers.0.self_attn.o_proj 0.00174167
            q4_k layers.0.self_attn.q_proj 0.0043206
            q4_k layers.0.self_attn.v_proj 0.00175393
            q4_k layers.7.block_sparse_moe.experts.15.w1 0.00477521
            q4_k layers.7.block_sparse_moe.experts.15.w3 0.00512735
            q6_k all 0.00127741
            q6_k embed_tokens 0.0024466
            q6_k layers.0.block_sparse_moe.experts.0.w1 0.00103929
            q6_k layers.0.block_sparse_moe.experts.0.w3 0.00100987
            q6_k layers.0.self_attn.k_proj 0.00110455
            q6_k layers.0.self_attn.o_proj 0.000435565
            q6_k layers.0.self_attn.q_proj 0.00106733
            q6_k layers.0.self_attn.v_proj 0.000435353
            q6_k layers.7.block_sparse_moe.experts.15.w1 0.00119217
            q6_k layers.7.block_sparse_moe.experts.15.w3 0.00127147
            q8_0 all 0.000379643
            q8_0 embed_tokens 0.000826463
            q8_0 layers.0.block_sparse_moe.experts.0.w1 0.000311963
            q8_0 layers.0.block_sparse_moe.experts.0.w2 0.000323663
            q8_0 layers.0.block_sparse_moe.experts.0.w3 0.00030293
            q8_0 layers.0.self_attn.k_proj 0.000330147
            q8_0 layers.0.self_attn.o_proj 0.000131295
            q8_0 layers.0.self_attn.q_proj 0.000323112
            q8_0 layers.0.self_attn.v_proj 0.000132216
            q8_0 layers.7.block_sparse_moe.experts.15.w1 0.000359563
            q8_0 layers.7.block_sparse_moe.experts.15.w2 0.000358978
            q8_0 layers.7.block_sparse_moe.experts.15.w3 0.000385737
            """;

    private static final double LAST_DIGIT = 1 + 1e-5;

    @Test
    void isNoFurtherFromRealWeightsThanGgml() {
        Map<String, Double> found = new HashMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(TestData.tinyMixtral())) {
            for (DType target : List.of(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K)) {
                measure(checkpoint, target, found);
            }
        }
        GGML.lines().map(line -> line.split(" ", -1)).forEach(line -> {
            String name = line[0] + " " + line[1];
            assertTrue(found.containsKey(name), name);
            double error = found.getOrDefault(name, Double.NaN);
            assertTrue(error <= Double.parseDouble(line[2]) * LAST_DIGIT, name + ": " + error);
        });
    }

    private static void measure(Checkpoint checkpoint, DType target, Map<String, Double> found) {
        double all = 0;
        long count = 0;
        for (TensorInfo tensor : checkpoint.tensors().values()) {
            if (tensor.shape().size() == 2 && tensor.shape().get(1) % target.blockElements() == 0) {
                double squares = squares(
                        target,
                        checkpoint.readFloats(tensor),
                        Math.toIntExact(tensor.shape().get(1)));
                long elements = tensor.shape().get(0) * tensor.shape().get(1);
                String name = tensor.name().replaceAll("^model\\.|\\.weight$", "");
                found.put(target.label() + " " + name, Math.sqrt(squares / elements));
                all += squares;
                count += elements;
            }
        }
        found.put(target.label() + " all", Math.sqrt(all / count));
    }

    /// Returns the sum of the squares of the errors.
    private static double squares(DType target, float[] weights, int cols) {
        RowEncoder encoder = RowEncoder.of(target);
        double squares = 0;
        for (int at = 0; at < weights.length; at += cols) {
            float[] row = Arrays.copyOfRange(weights, at, at + cols);
            float[] decoded = recoded(encoder, target, row);
            for (int k = 0; k < cols; k++) {
                squares += Math.pow((double) decoded[k] - row[k], 2);
            }
        }
        return squares;
    }

    private static float[] recoded(RowEncoder encoder, DType target, float[] row) {
        byte[] blocks = new byte[4 * RowEncoder.STRIP];
        encoder.encode(row, row.length, blocks);
        float[] decoded = new float[row.length];
        Floats.decode(target, MemorySegment.ofArray(blocks), row.length, decoded, 0);
        return decoded;
    }

    /// An error of a block is at most the step between two numbers, and for numbers with a common offset of six bits
    /// somewhat more.
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void staysNearValuesOfEverySizeAndSign(DType target) {
        Random random = new Random(99);
        RowEncoder encoder = RowEncoder.of(target);
        double step = target == DType.Q8_0 ? 1 / 127.0 : target == DType.Q6_K ? 1 / 31.0 : 1 / 7.0;
        for (int round = 0; round < 500; round++) {
            float size = (float) Math.pow(10, random.nextDouble(-1, 4));
            float shift = round % 3 - 1f;
            float[] row = new float[256 * (1 + round % 8)];
            for (int i = 0; i < row.length; i++) {
                row[i] = size * ((float) random.nextGaussian() + shift);
            }
            float[] decoded = recoded(encoder, target, row);
            for (int first = 0; first < row.length; first += 256) {
                near(row, decoded, first, step);
            }
        }
    }

    private static void near(float[] row, float[] decoded, int first, double step) {
        float largest = 0;
        for (int i = first; i < first + 256; i++) {
            largest = Math.max(largest, Math.abs(row[i]));
        }
        for (int i = first; i < first + 256; i++) {
            assertEquals(row[i], decoded[i], step * largest);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void zerosStayZerosAndExtremesStayFinite(DType target) {
        RowEncoder encoder = RowEncoder.of(target);
        float[] row = new float[1024];
        row[512] = 1e-35f;
        row[520] = -Float.MIN_VALUE;
        row[800] = 1e9f;
        row[801] = -1e9f;
        float[] decoded = recoded(encoder, target, row);
        for (int i = 0; i < 768; i++) {
            assertEquals(0f, Math.abs(decoded[i]));
        }
        for (int i = 768; i < row.length; i++) {
            assertTrue(Float.isFinite(decoded[i]));
        }
        assertTrue(decoded[800] > 1e5f && decoded[801] < -1e5f, decoded[800] + " and " + decoded[801]);
    }

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q4_K", "Q6_K"})
    void aRowDoesNotDependOnThoseEncodedBefore(DType target) {
        Random random = new Random(5);
        float[] row = new float[2048];
        for (int i = 0; i < row.length; i++) {
            row[i] = (float) random.nextGaussian();
        }
        RowEncoder encoder = RowEncoder.of(target);
        float[] whole = recoded(encoder, target, row);
        float[] part = recoded(encoder, target, Arrays.copyOf(row, 256));
        for (int i = 0; i < 256; i++) {
            assertEquals(whole[i], part[i]);
        }
    }

    @Test
    void refusesWhatItCannotMake() {
        for (DType target : DType.values()) {
            if (!RowEncoder.makes(target)) {
                String message = assertThrows(IllegalArgumentException.class, () -> RowEncoder.of(target))
                        .getMessage();
                assertEquals("nothing is turned into " + target.name().toLowerCase(Locale.ROOT), message);
            }
        }
    }
}
