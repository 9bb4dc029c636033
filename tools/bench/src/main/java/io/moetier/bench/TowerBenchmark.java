package io.moetier.bench;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.tensor.MatrixShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.ImageRows;
import io.moetier.runtime.model.vision.VisionTower;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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

/// A tower of the size of Qwen3-VL-30B-A3B's over one image; what it computes counts, whatever its weights are.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 2, time = 1)
@Fork(1)
public class TowerBenchmark {
    private static final int SOME = 1 << 20;
    private static final long SEED = 14;

    /// Patches along a side of the image, sixteen pixels each.
    @Param("32")
    int side = 32;

    @Param("27")
    int layers = 27;

    @Param("BF16")
    DType dtype = DType.BF16;

    @Param("NATIVE")
    KernelChoice kernels = KernelChoice.NATIVE;

    @Param("2")
    int threads = 2;

    private CpuDevice device;
    private VisionSpec spec;
    private VisionTower tower;
    private ImagePatches image;

    /// Makes weights and an image.
    @Setup(Level.Trial)
    public void fill() {
        Random random = new Random(SEED);
        device = CpuDevice.open(threads, kernels);
        ModelSpec model = Families.describe(config());
        spec = model.vision().orElseThrow();
        tower = new VisionTower(spec, model.hiddenSize(), new SomeWeights(dtype, random), device);
        float[] values = new float[side * side * spec.patches().linear().cols()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        image = new ImagePatches(values, 1, side, side);
    }

    private JsonObject config() {
        String text = """
                {"model_type": "qwen3_vl_moe", "image_token_id": 151655, "tie_word_embeddings": false,
                 "text_config": {"vocab_size": 151936, "hidden_size": 2048, "num_hidden_layers": 1,
                  "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144,
                  "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8,
                  "decoder_sparse_step": 1, "mlp_only_layers": [], "max_position_embeddings": 262144,
                  "rope_scaling": {"mrope_section": [24, 20, 20], "rope_type": "default"}},
                 "vision_config": {"depth": %d, "hidden_size": 1152, "num_heads": 16, "intermediate_size": 4304,
                  "in_channels": 3, "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2,
                  "num_position_embeddings": 2304, "out_hidden_size": 2048, "deepstack_visual_indexes": [%s]}}
                """.formatted(layers, layers > 24 ? "8, 16, 24" : "");
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), Path.of("config.json"));
    }

    /// Reads the image. Counts what matrices and attention multiply and add.
    @Benchmark
    public int read(Work work) {
        try (Arena arena = device.newArena()) {
            ImageRows rows = tower.read(image, 0, arena, () -> false);
            work.computed(operations());
            return rows.number();
        }
    }

    private long operations() {
        long patches = (long) side * side;
        long squares = patches / spec.patches().merged();
        long attention = 4 * patches * patches * spec.patches().linear().rows() * layers;
        long ofMergers = spec.mergers().stream()
                .flatMap(merger -> merger.mlp().linears().stream())
                .mapToLong(LinearSpec::numParameters)
                .sum();
        long ofAll =
                spec.linears().stream().mapToLong(LinearSpec::numParameters).sum();
        return attention + 2 * patches * (ofAll - ofMergers) + 2 * squares * ofMergers;
    }

    /// Ends the device's threads.
    @TearDown(Level.Trial)
    public void close() {
        device.close();
    }

    /// Weights of which none matters.
    private record SomeWeights(DType dtype, Random random) implements Weights {
        @Override
        public WeightMatrix matrix(LinearSpec linear) {
            MatrixShape shape = new MatrixShape(dtype, linear.rows(), linear.cols());
            MemorySegment packed = Arena.ofAuto().allocate(shape.packedBytes(), WeightMatrix.ALIGNMENT);
            short[] some = new short[SOME];
            for (int i = 0; i < some.length; i++) {
                some[i] = (short) (Float.floatToIntBits((float) random.nextGaussian() / 100) >> 16);
            }
            MemorySegment block = MemorySegment.ofArray(some);
            for (long at = 0; at < packed.byteSize(); at += block.byteSize()) {
                long bytes = Math.min(block.byteSize(), packed.byteSize() - at);
                MemorySegment.copy(block, 0, packed, at, bytes);
            }
            return new WeightMatrix(dtype, linear.rows(), linear.cols(), packed);
        }

        @Override
        public MemorySegment bias(VectorSpec spec) {
            return MemorySegment.ofArray(vector(spec));
        }

        @Override
        public float[] vector(VectorSpec spec) {
            return new float[spec.size()];
        }
    }
}
