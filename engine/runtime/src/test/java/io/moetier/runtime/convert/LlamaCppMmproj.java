package io.moetier.runtime.convert;

import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.Floats;
import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// The tower of a golden checkpoint as llama.cpp's converter writes it into an `mmproj` file. Names, keys and what
/// becomes of each tensor were written down here from its gguf-py and conversion scripts, not from what Moetier reads.
public final class LlamaCppMmproj {
    private static final Pattern LAYER = Pattern.compile("(?:encoder\\.layers?|model\\.layers|blocks)\\.(\\d+)\\.(.*)");
    private static final Pattern DEEPSTACK = Pattern.compile("deepstack_merger_list\\.(\\d+)\\.(.*)");
    private static final Pattern TOWER =
            Pattern.compile("(?:vision_tower|vision_model|model\\.visual|model\\.vision_tower)\\.");
    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("embeddings.cls_token", "v.class_embd"),
            Map.entry("embeddings.position_embeddings", "v.position_embd.weight"),
            Map.entry("embeddings.patch_embeddings.projection", "v.patch_embd"),
            Map.entry("class_embedding", "v.class_embd"),
            Map.entry("positional_embedding_vlm", "v.position_embd.weight"),
            Map.entry("patch_embedding.linear", "v.patch_embd"),
            Map.entry("layernorm_pre", "v.pre_ln"),
            Map.entry("layernorm_post", "v.post_ln"),
            Map.entry("vision_adapter.mlp.fc1", "mm.model.mlp.1"),
            Map.entry("vision_adapter.mlp.fc2", "mm.model.mlp.2"),
            Map.entry("patch_embedder.position_embedding_table", "v.position_embd.weight"),
            Map.entry("patch_embedder.input_proj", "v.patch_embd"),
            Map.entry("std_bias", "v.std_bias"),
            Map.entry("std_scale", "v.std_scale"),
            Map.entry("pos_embed", "v.position_embd"),
            Map.entry("patch_embed.proj", "v.patch_embd"),
            Map.entry("merger.norm", "v.post_ln"),
            Map.entry("merger.linear_fc1", "mm.0"),
            Map.entry("merger.linear_fc2", "mm.2"));
    private static final Map<String, String> PARTS = Map.ofEntries(
            Map.entry("attention.q_proj", "attn_q"),
            Map.entry("attention.k_proj", "attn_k"),
            Map.entry("attention.v_proj", "attn_v"),
            Map.entry("attention.projection_layer", "attn_out"),
            Map.entry("layernorm_before", "ln1"),
            Map.entry("layernorm_after", "ln2"),
            Map.entry("lambda_1", "ls1.weight"),
            Map.entry("lambda_2", "ls2.weight"),
            Map.entry("mlp.fc1", "ffn_up"),
            Map.entry("mlp.fc2", "ffn_down"),
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.o_proj", "attn_out"),
            Map.entry("input_layernorm", "ln1"),
            Map.entry("post_attention_layernorm", "ln2"),
            Map.entry("attn.qkv", "attn_qkv"),
            Map.entry("attn.proj", "attn_out"),
            Map.entry("norm1", "ln1"),
            Map.entry("norm2", "ln2"),
            Map.entry("mlp.linear_fc1", "ffn_up"),
            Map.entry("mlp.linear_fc2", "ffn_down"));
    private static final Map<String, String> GEMMA_PARTS = Map.ofEntries(
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.o_proj", "attn_out"),
            Map.entry("self_attn.q_norm", "attn_q_norm"),
            Map.entry("self_attn.k_norm", "attn_k_norm"),
            Map.entry("input_layernorm", "ln1"),
            Map.entry("post_attention_layernorm", "attn_post_norm"),
            Map.entry("pre_feedforward_layernorm", "ln2"),
            Map.entry("post_feedforward_layernorm", "ffn_post_norm"),
            Map.entry("mlp.gate_proj", "ffn_gate"),
            Map.entry("mlp.up_proj", "ffn_up"),
            Map.entry("mlp.down_proj", "ffn_down"));
    private static final Map<String, String> INTERN_PROJECTOR = Map.of(
            "layer_norm", "mm.model.mlp.0",
            "linear_1", "mm.model.mlp.1",
            "linear_2", "mm.model.mlp.3");

    private final JsonObject config;
    private final JsonObject vision;
    private final JsonObject preprocessor;
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private DType matrices = DType.F32;

    @SuppressWarnings("ArrayRecordComponent") // nobody compares tensors
    private record Tensor(long[] shape, float[] values) {}

    private LlamaCppMmproj(Path checkpoint) {
        try (Checkpoint opened = Checkpoint.open(checkpoint)) {
            config = opened.config();
            vision = config.requireObject("vision_config");
            preprocessor = Json.readObject(checkpoint.resolve("preprocessor_config.json"));
            describe();
            opened.tensors().forEach((name, tensor) -> {
                long[] shape =
                        tensor.shape().stream().mapToLong(Long::longValue).toArray();
                convert(name, new Tensor(shape, opened.readFloats(tensor)));
            });
        }
    }

    /// Returns the file of a checkpoint's tower, to be written.
    public static LlamaCppMmproj of(Path checkpoint) {
        return new LlamaCppMmproj(checkpoint);
    }

    /// Sets a value of the metadata.
    public LlamaCppMmproj with(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    /// Leaves a value of the metadata out.
    public LlamaCppMmproj withoutKey(String key) {
        metadata.remove(key);
        return this;
    }

    /// Adds a tensor of these numbers.
    public LlamaCppMmproj withTensor(String name, float... values) {
        tensors.put(name, new Tensor(new long[] {values.length}, values));
        return this;
    }

    /// Leaves a tensor out.
    public LlamaCppMmproj without(String name) {
        tensors.remove(name);
        return this;
    }

    /// Writes what the converter writes in another type than single precision so: matrices in this one, or in half
    /// precision where their rows are not of whole blocks, patches and places in half precision or as they are.
    public LlamaCppMmproj in(DType type) {
        matrices = type;
        return this;
    }

    public Path write(Path file) throws IOException {
        List<GgufWriter.Entry> entries = new ArrayList<>();
        tensors.forEach((name, tensor) -> entries.add(GgufWriter.Entry.of(name, type(name, tensor), tensor.shape)));
        try (GgufWriter writer = GgufWriter.create(file, metadata, entries)) {
            for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
                byte[] bytes = bytes(type(tensor.getKey(), tensor.getValue()), tensor.getValue().values);
                writer.write(tensor.getKey(), MemorySegment.ofArray(bytes));
            }
        }
        return file;
    }

    private DType type(String name, Tensor tensor) {
        long dimensions =
                LongStream.of(tensor.shape).filter(length -> length > 1).count();
        boolean forced = name.startsWith("v.patch_embd.weight") || name.equals("v.position_embd.weight");
        if (dimensions < 2 || (forced && matrices != DType.F16)) {
            return DType.F32;
        }
        return tensor.shape[tensor.shape.length - 1] % matrices.blockElements() == 0 ? matrices : DType.F16;
    }

    private static byte[] bytes(DType type, float[] values) {
        if (type == DType.Q8_0) {
            return LlamaCppFile.blocks(values);
        }
        ByteBuffer bytes =
                ByteBuffer.allocate(values.length * type.blockBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            if (type == DType.F16) {
                bytes.putShort(Float.floatToFloat16(value));
            } else {
                bytes.putFloat(value);
            }
        }
        return bytes.array();
    }

    /// Has the numbers in single precision that a file of this type has.
    public LlamaCppMmproj roundedTo(DType type) {
        matrices = type;
        tensors.replaceAll((name, tensor) -> {
            float[] values = new float[tensor.values.length];
            DType own = type(name, tensor);
            Floats.decode(own, MemorySegment.ofArray(bytes(own, tensor.values)), values.length, values, 0);
            return new Tensor(tensor.shape, values);
        });
        matrices = DType.F32;
        return this;
    }

    private void describe() {
        metadata.put("general.architecture", "clip");
        metadata.put("clip.has_vision_encoder", true);
        value("projection_dim", config.requireObject("text_config").requireInt("hidden_size"));
        put("patch_size", "patch_size");
        put("embedding_length", "hidden_size");
        put("feed_forward_length", "intermediate_size");
        put("block_count", "num_hidden_layers", "depth");
        put("attention.head_count", "num_attention_heads", "num_heads");
        value("image_mean", floats("image_mean"));
        value("image_std", floats("image_std"));
        switch (config.requireString("model_type")) {
            case "gemma4" -> {
                metadata.put("clip.vision.projector_type", "gemma4v");
                value("image_size", 224);
                value("attention.layer_norm_epsilon", 1e-6f);
            }
            case "internvl" -> {
                metadata.put("clip.projector_type", "internvl");
                put("image_size", "image_size");
                value("attention.layer_norm_epsilon", (float) vision.requireDouble("layer_norm_eps"));
                value("projector.scale_factor", (int) (1 / config.requireDouble("downsample_ratio")));
                value("preproc_min_tiles", preprocessor.requireInt("min_patches"));
                value("preproc_max_tiles", preprocessor.requireInt("max_patches"));
            }
            case "llama4" -> {
                metadata.put("clip.projector_type", "llama4");
                put("image_size", "image_size");
                value("attention.layer_norm_epsilon", (float) vision.requireDouble("norm_eps"));
                value("projector.scale_factor", (int) (1 / vision.requireDouble("pixel_shuffle_ratio")));
            }
            case "qwen3_vl_moe", "qwen3_5_moe" -> describeQwen();
            default -> throw new IllegalArgumentException(config.requireString("model_type"));
        }
        if (!isGemma()) {
            metadata.put("clip.use_gelu", true);
        }
    }

    private boolean isGemma() {
        return config.requireString("model_type").equals("gemma4");
    }

    /// The number added to what norms divide by is the language model's, which the tower has not.
    private void describeQwen() {
        metadata.put("clip.projector_type", "qwen3vl_merger");
        double side = Math.sqrt(vision.requireInt("num_position_embeddings"));
        value("image_size", (int) (side * vision.requireInt("patch_size")));
        put("spatial_merge_size", "spatial_merge_size");
        value("attention.layer_norm_epsilon", 0.125f);
        List<Integer> levels = vision.optionalInts("deepstack_visual_indexes").orElseThrow();
        value(
                "is_deepstack_layers",
                IntStream.range(0, vision.requireInt("depth"))
                        .mapToObj(levels::contains)
                        .toList());
        JsonObject size = preprocessor.requireObject("size"); // of older families, and read where it is there
        value("image_min_pixels", size.requireInt("shortest_edge"));
        value("image_max_pixels", size.requireInt("longest_edge"));
    }

    private List<Float> floats(String key) {
        return preprocessor.requireDoubles(key).stream().map(Double::floatValue).toList();
    }

    private void put(String key, String... names) {
        for (String name : names) {
            vision.optionalInts(name).ifPresent(found -> value(key, found.getFirst()));
        }
    }

    private void value(String key, Object value) {
        metadata.put("clip.vision." + key, value);
    }

    private void convert(String name, Tensor tensor) {
        if (name.startsWith("multi_modal_projector.")) {
            boolean llama = config.requireString("model_type").equals("llama4");
            String part = name.substring("multi_modal_projector.".length());
            int dot = part.lastIndexOf('.');
            String own = llama ? "mm.model.fc" : INTERN_PROJECTOR.get(part.substring(0, dot));
            tensors.put(own + part.substring(dot), tensor);
        } else if (name.equals("model.embed_vision.embedding_projection.weight")) {
            tensors.put("mm.input_projection.weight", tensor);
        } else if (TOWER.matcher(name).lookingAt()) {
            convertPart(TOWER.matcher(name).replaceFirst(""), tensor);
        }
    }

    private void convertPart(String part, Tensor tensor) {
        Matcher layer = LAYER.matcher(part);
        Matcher deepstack = DEEPSTACK.matcher(part);
        if (layer.matches()) {
            Map<String, String> parts = isGemma() ? GEMMA_PARTS : PARTS;
            String name = renamed(parts, layer.group(2).replace(".linear.weight", ".weight"));
            tensors.put("v.blk." + layer.group(1) + "." + name, tensor);
        } else if (deepstack.matches()) {
            int number = vision.optionalInts("deepstack_visual_indexes")
                    .orElseThrow()
                    .get(Integer.parseInt(deepstack.group(1)));
            tensors.put("v.deepstack." + number + "." + deepstack.group(2).replace("linear_", ""), tensor);
        } else if (part.equals("patch_embedder.input_proj.weight")) {
            tensors.put("v.patch_embd.weight", channels(tensor));
        } else if (part.equals("patch_embed.proj.weight")) {
            for (int frame = 0; frame < 2; frame++) {
                tensors.put("v.patch_embd.weight" + (frame == 0 ? "" : ".1"), frame(tensor, frame));
            }
        } else {
            tensors.put(renamed(NAMES, part), tensor);
        }
    }

    private static String renamed(Map<String, String> names, String part) {
        int dot = part.lastIndexOf('.');
        String whole = names.get(part);
        if (whole != null) {
            return whole;
        }
        String known = names.get(part.substring(0, dot));
        if (known == null) {
            throw new IllegalArgumentException(part);
        }
        return known + part.substring(dot);
    }

    /// A matrix whose columns are by rows, columns and channels of a patch becomes a convolution.
    private static Tensor channels(Tensor tensor) {
        int pixels = (int) tensor.shape[1] / 3;
        long side = Math.round(Math.sqrt(pixels));
        float[] values = new float[tensor.values.length];
        for (int i = 0; i < values.length; i++) {
            int row = i / (3 * pixels);
            values[row * 3 * pixels + i % 3 * pixels + i / 3 % pixels] = tensor.values[i];
        }
        return new Tensor(new long[] {tensor.shape[0], 3, side, side}, values);
    }

    /// A convolution over two frames, of which a file has one for each.
    private static Tensor frame(Tensor tensor, int frame) {
        long[] shape = tensor.shape;
        int pixels = (int) (shape[3] * shape[4]);
        float[] values = new float[tensor.values.length / 2];
        for (int at = 0; at < values.length; at += pixels) {
            System.arraycopy(tensor.values, 2 * at + frame * pixels, values, at, pixels);
        }
        return new Tensor(new long[] {shape[0], shape[1], shape[3], shape[4]}, values);
    }
}
