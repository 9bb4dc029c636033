package io.moetier.runtime.model.vision;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.kernels.tensor.WeightPacker;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.DType;
import io.moetier.testdata.TestData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// InternVL's large tower, of which there is no golden case: RMS norms, also of queries and keys, and no biases on
/// these.
/// One tile of four patches is computed once more, in double and element by element.
class VisionTowerTest {
    private static final int HIDDEN = 32;
    private static final int HEADS = 2;
    private static final int WIDTH = 48;
    private static final int TEXT = 64;
    private static final int PATCH = 3 * 8 * 8;
    private static final String LAYER = "vision_tower.encoder.layer.0.";

    private static VisionSpec spec() {
        Map<String, @Nullable Object> config = new LinkedHashMap<>(
                Json.readObject(TestData.golden("internvl_qwen3_moe").resolve("config.json"))
                        .asMap());
        config.put(
                "vision_config",
                Map.ofEntries(
                        Map.entry("hidden_size", HIDDEN),
                        Map.entry("num_attention_heads", HEADS),
                        Map.entry("num_hidden_layers", 1),
                        Map.entry("intermediate_size", WIDTH),
                        Map.entry("image_size", 16),
                        Map.entry("patch_size", 8),
                        Map.entry("attention_bias", false),
                        Map.entry("norm_type", "rms_norm"),
                        Map.entry("use_absolute_position_embeddings", true),
                        Map.entry("use_qk_norm", true)));
        byte[] json = Json.write(config).getBytes(StandardCharsets.UTF_8);
        return Families.describe(Json.parseObject(json, Path.of("config.json")))
                .vision()
                .orElseThrow();
    }

    /// Numbers that their name decides on.
    private static float[] numbers(String name, int size) {
        Random random = new Random(name.hashCode());
        float[] numbers = new float[size];
        for (int i = 0; i < size; i++) {
            numbers[i] = (float) random.nextGaussian() / 3;
        }
        return numbers;
    }

    private static final class NamedWeights implements Weights {
        @Override
        public WeightMatrix matrix(LinearSpec linear) {
            Arena arena = Arena.ofAuto();
            long bytes = WeightMatrix.packedBytes(DType.F32, linear.rows(), linear.cols());
            MemorySegment packed = arena.allocate(bytes, WeightMatrix.ALIGNMENT);
            MemorySegment rows = arena.allocate(4L * linear.rows() * linear.cols(), WeightMatrix.ALIGNMENT);
            rows.copyFrom(MemorySegment.ofArray(numbers(linear.weight(), linear.rows() * linear.cols())));
            WeightPacker.pack(DType.F32, rows, DType.F32, linear.rows(), linear.cols(), packed);
            return new WeightMatrix(DType.F32, linear.rows(), linear.cols(), packed);
        }

        @Override
        public MemorySegment bias(VectorSpec spec) {
            return MemorySegment.ofArray(vector(spec));
        }

        @Override
        public float[] vector(VectorSpec spec) {
            return numbers(spec.name(), spec.size());
        }
    }

    @Test
    void internVlsLargeTowerNormalisesQueriesAndKeys() {
        VisionSpec spec = spec();
        float[] pixels = numbers("pixels", 4 * PATCH);
        ImagePatches image = ImagePatches.ofTiles(pixels, 16, 16, spec.patches());
        double[] expected = features(pixels);
        try (CpuDevice device = CpuDevice.open(2, KernelChoice.PLAIN);
                Arena arena = device.newArena()) {
            VisionTower tower = new VisionTower(spec, TEXT, new NamedWeights(), device);
            float[] found = new float[TEXT];
            device.download(tower.read(image, 0, arena, () -> false).features(), 0, TEXT, found, 0);
            for (int i = 0; i < TEXT; i++) {
                assertEquals(expected[i], found[i], 2e-5, "element " + i);
            }
        }
    }

    private static double[] features(float[] pixels) {
        double[][] x = embedded(pixels);
        double[][] normed = rms(LAYER + "layernorm_before", x, 1e-6);
        String attention = LAYER + "attention.";
        double[][] query = rms(attention + "q_norm", linear(attention + "q_proj", normed, HIDDEN, false), 1e-6);
        double[][] key = rms(attention + "k_norm", linear(attention + "k_proj", normed, HIDDEN, false), 1e-6);
        double[][] value = linear(attention + "v_proj", normed, HIDDEN, false);
        double[][] mixed = linear(attention + "projection_layer", attend(query, key, value), HIDDEN, true);
        addScaled(x, mixed, LAYER + "lambda_1");
        double[][] wide = linear(LAYER + "mlp.fc1", rms(LAYER + "layernorm_after", x, 1e-6), WIDTH, true);
        addScaled(x, linear(LAYER + "mlp.fc2", gelu(wide), HIDDEN, true), LAYER + "lambda_2");
        double[][] square = new double[1][4 * HIDDEN];
        for (int i = 0; i < square[0].length; i++) {
            square[0][i] = x[1 + i / HIDDEN][i % HIDDEN]; // the class token is first
        }
        String projector = "multi_modal_projector.";
        double[][] projected = linear(projector + "linear_1", layerNorm(projector + "layer_norm", square), TEXT, true);
        return linear(projector + "linear_2", gelu(projected), TEXT, true)[0];
    }

    private static double[][] embedded(float[] pixels) {
        String prefix = "vision_tower.embeddings.";
        double[][] patches = new double[4][PATCH];
        for (int i = 0; i < pixels.length; i++) {
            int row = i / 16 % 16;
            int col = i % 16;
            patches[row / 8 * 2 + col / 8][i / 256 * 64 + row % 8 * 8 + col % 8] = pixels[i];
        }
        float[] map = numbers(prefix + "patch_embeddings.projection.matrix", HIDDEN * PATCH);
        float[] bias = numbers(prefix + "patch_embeddings.projection.bias", HIDDEN);
        float[] positions = numbers(prefix + "position_embeddings", 5 * HIDDEN);
        float[] token = numbers(prefix + "cls_token", HIDDEN);
        double[][] x = new double[5][HIDDEN];
        for (int i = 0; i < HIDDEN; i++) {
            x[0][i] = (double) token[i] + positions[i];
            for (int patch = 0; patch < 4; patch++) {
                double sum = (double) bias[i] + positions[(1 + patch) * HIDDEN + i];
                for (int j = 0; j < PATCH; j++) {
                    sum += map[i * PATCH + j] * patches[patch][j];
                }
                x[1 + patch][i] = sum;
            }
        }
        return x;
    }

    private static double[][] linear(String name, double[][] x, int out, boolean biased) {
        float[] map = numbers(name + ".weight", out * x[0].length);
        float[] bias = biased ? numbers(name + ".bias", out) : new float[out];
        double[][] y = new double[x.length][out];
        for (int row = 0; row < x.length; row++) {
            for (int i = 0; i < out; i++) {
                y[row][i] = bias[i];
                for (int j = 0; j < x[row].length; j++) {
                    y[row][i] += map[i * x[row].length + j] * x[row][j];
                }
            }
        }
        return y;
    }

    private static double[][] rms(String name, double[][] x, double eps) {
        float[] weight = numbers(name + ".weight", x[0].length);
        double[][] y = new double[x.length][x[0].length];
        for (int row = 0; row < x.length; row++) {
            double squares = 0;
            for (double element : x[row]) {
                squares += element * element / x[row].length;
            }
            for (int i = 0; i < weight.length; i++) {
                y[row][i] = x[row][i] / Math.sqrt(squares + eps) * weight[i];
            }
        }
        return y;
    }

    private static double[][] layerNorm(String name, double[][] x) {
        double mean = 0;
        for (double element : x[0]) {
            mean += element / x[0].length;
        }
        double[][] centred = {x[0].clone()};
        for (int i = 0; i < centred[0].length; i++) {
            centred[0][i] -= mean;
        }
        double[][] y = rms(name, centred, 1e-5);
        float[] bias = numbers(name + ".bias", x[0].length);
        for (int i = 0; i < bias.length; i++) {
            y[0][i] += bias[i];
        }
        return y;
    }

    private static double[][] attend(double[][] query, double[][] key, double[][] value) {
        int headDim = HIDDEN / HEADS;
        double[][] out = new double[query.length][HIDDEN];
        for (int row = 0; row < query.length; row++) {
            for (int head = 0; head < HEADS; head++) {
                double total = 0;
                double[] weights = new double[key.length];
                for (int other = 0; other < key.length; other++) {
                    double score = 0;
                    for (int d = head * headDim; d < (head + 1) * headDim; d++) {
                        score += query[row][d] * key[other][d];
                    }
                    weights[other] = Math.exp(score / Math.sqrt(headDim));
                    total += weights[other];
                }
                for (int d = head * headDim; d < (head + 1) * headDim; d++) {
                    for (int other = 0; other < key.length; other++) {
                        out[row][d] += weights[other] / total * value[other][d];
                    }
                }
            }
        }
        return out;
    }

    private static void addScaled(double[][] x, double[][] added, String scale) {
        float[] factors = numbers(scale, HIDDEN);
        for (int row = 0; row < x.length; row++) {
            for (int i = 0; i < HIDDEN; i++) {
                x[row][i] += factors[i] * added[row][i];
            }
        }
    }

    private static double[][] gelu(double[][] x) {
        double[][] y = new double[x.length][x[0].length];
        for (int row = 0; row < x.length; row++) {
            for (int i = 0; i < x[row].length; i++) {
                y[row][i] = x[row][i] / 2 * (1 + erf(x[row][i] / Math.sqrt(2)));
            }
        }
        return y;
    }

    /// By its series, which has come to its end before it is lost in rounding where this test is.
    private static double erf(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; n < 100; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return Math.abs(x) > 4 ? Math.signum(x) : 2 / Math.sqrt(Math.PI) * sum;
    }
}
