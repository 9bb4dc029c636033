package io.moetier.runtime.model.gguf;

import io.moetier.runtime.model.describe.Limits;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Writes the `config.json` and `preprocessor_config.json` that a language model and the file of its tower for images
/// (`mmproj`) were made from, as far as they decide what is computed.
///
/// Constants are those of the families' published models, where the files have none.
final class MmprojConfig {
    private static final String PREFIX = "clip.vision.";
    private static final String TILE = PREFIX + "image_size";
    private static final String SCALE = PREFIX + "projector.scale_factor";
    private static final String EPS = PREFIX + "attention.layer_norm_epsilon";
    private static final String WIDTH = PREFIX + "projection_dim";
    private static final String DEEPSTACK = PREFIX + "is_deepstack_layers";
    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String HIDDEN = "hidden_size";
    private static final int CHANNELS = 3;
    private static final int FRAMES = 2;
    private static final int QWEN_LEAST_PIXELS = 1 << 16;
    private static final int QWEN_MOST_PIXELS = 1 << 24;
    private static final int INTERN_MOST_TILES = 12;
    private static final int LLAMA_MOST_TILES = 16;
    private static final int GEMMA_MERGED_SIDE = 3;
    private static final int GEMMA_MOST_TOKENS = 280;

    private final Projector projector;
    private final GgufParts parts;
    private final JsonObject metadata;
    private final Map<String, Object> vision = new LinkedHashMap<>();
    private final Map<String, String> spellings = new HashMap<>();

    /// @throws MalformedModelException if the file has no tower of this kind
    MmprojConfig(Projector projector, GgufParts mmproj) {
        projector.requireIn(mmproj);
        this.projector = projector;
        this.parts = mmproj;
        this.metadata = mmproj.metadata();
    }

    /// Returns the configuration of a model of two files.
    ///
    /// @param modelType the family's
    /// @param text configuration of the language model
    /// @param language metadata of its file
    JsonObject model(String modelType, JsonObject text, JsonObject language) {
        requireKnownArithmetic(text);
        putSizes();
        Map<String, Object> config = new LinkedHashMap<>(Map.of("model_type", modelType));
        int token = imageToken(language);
        JsonObject seeing = text;
        switch (projector) {
            case GEMMA4 -> {
                config.put("image_token_id", token);
                putGemma();
                seeing = text.withDefaults(Map.of("use_bidirectional_attention", "vision"));
            }
            case QWEN3_VL -> {
                config.put("image_token_id", token);
                putQwen(text);
            }
            case INTERN_VL -> {
                config.put("image_token_id", token);
                config.put("downsample_ratio", 1.0 / scale());
                config.put("projector_hidden_act", "gelu");
                config.put("vision_feature_select_strategy", "default");
                putIntern();
            }
            case LLAMA4 -> {
                config.put("image_token_index", token);
                putLlama();
            }
        }
        return json(config, metadata)
                .with("text_config", seeing)
                .with("vision_config", json(vision, metadata).spelled(spellings));
    }

    private static JsonObject json(Map<String, Object> values, JsonObject of) {
        return Json.parseObject(Json.write(values).getBytes(StandardCharsets.UTF_8), of.source());
    }

    private void requireKnownArithmetic(JsonObject text) {
        int expected = text.requireInt(HIDDEN);
        int found = metadata.optionalInt(WIDTH).orElse(expected);
        if (found != expected) {
            throw metadata.unexpected(WIDTH, expected + ", as wide as the language model", found);
        }
        String gelu = "clip.use_gelu";
        if (projector != Projector.GEMMA4 && !metadata.optionalBoolean(gelu).orElse(false)) {
            throw metadata.unexpected(gelu, "true, since no other function is supported", metadata.value(gelu));
        }
        String layer = PREFIX + "feature_layer";
        if (metadata.has(layer)) {
            throw metadata.unexpected(layer, "none, since the last layer is read", metadata.value(layer));
        }
    }

    private void putSizes() {
        put(HIDDEN, "embedding_length");
        put("intermediate_size", "feed_forward_length");
        put("patch_size", "patch_size");
    }

    /// The file says neither which function there is nor how fast places rotate.
    private void putGemma() {
        put("num_hidden_layers", "block_count");
        put("num_attention_heads", "attention.head_count");
        number("rms_norm_eps", EPS);
        vision.put("pooling_kernel_size", pooledSide());
        vision.put("position_embedding_size", rows("v.position_embd.weight"));
        vision.put("standardize", parts.tensors().containsKey(MmprojWeights.MEAN));
        spellings.put("pooling_kernel_size", SCALE);
        spellings.put("position_embedding_size", "tensor v.position_embd.weight: rows");
    }

    private int pooledSide() {
        return metadata.has(SCALE) ? scale() : GEMMA_MERGED_SIDE;
    }

    private void putQwen(JsonObject text) {
        String sections = "mrope_section";
        if (!text.has(sections)) {
            throw text.unexpected(sections, "pairs rotated by time, height and width of an image's place", null);
        }
        put("depth", "block_count");
        put("num_heads", "attention.head_count");
        spell("spatial_merge_size", "spatial_merge_size");
        vision.put("spatial_merge_size", mergedSide());
        vision.put("hidden_act", "gelu_pytorch_tanh");
        vision.put("in_channels", CHANNELS);
        vision.put("temporal_patch_size", FRAMES);
        vision.put("num_position_embeddings", rows("v.position_embd.weight"));
        vision.put("out_hidden_size", text.requireInt(HIDDEN));
        vision.put("deepstack_visual_indexes", deepstack());
        spellings.put("num_position_embeddings", "tensor v.position_embd.weight: rows");
    }

    private int mergedSide() {
        return metadata.optionalInt(PREFIX + "spatial_merge_size").orElse(2);
    }

    private List<Integer> deepstack() {
        @Nullable Object value = metadata.value(DEEPSTACK);
        List<Integer> layers = new ArrayList<>();
        if (value instanceof List<?> flags && flags.stream().allMatch(Boolean.class::isInstance)) {
            for (int layer = 0; layer < flags.size(); layer++) {
                if (Boolean.TRUE.equals(flags.get(layer))) {
                    layers.add(layer);
                }
            }
        } else if (value != null) {
            throw metadata.unexpected(DEEPSTACK, "true or false for each layer", value);
        }
        spellings.put("deepstack_visual_indexes", DEEPSTACK);
        return layers;
    }

    private void putIntern() {
        putTiled();
        number("layer_norm_eps", EPS);
        boolean biased = parts.tensors().containsKey("v.blk.0.ln1.bias");
        vision.put("norm_type", biased ? "layer_norm" : "rms_norm");
        vision.put("attention_bias", hasEither("v.blk.0.attn_q.bias", "v.blk.0.attn_qkv.bias"));
        vision.put("use_qk_norm", parts.tensors().containsKey("v.blk.0.attn_q_norm.weight"));
        vision.put("use_absolute_position_embeddings", true);
    }

    private void putLlama() {
        putTiled();
        number("norm_eps", EPS);
        vision.put("pixel_shuffle_ratio", 1.0 / scale());
        vision.put("projector_input_dim", rows("mm.model.mlp.1.weight"));
        vision.put("projector_output_dim", rows("mm.model.mlp.2.weight"));
        vision.put("multi_modal_projector_bias", parts.tensors().containsKey("mm.model.fc.bias"));
        vision.put("vision_feature_select_strategy", "default");
    }

    private void putTiled() {
        put("image_size", "image_size");
        put("num_hidden_layers", "block_count");
        put("num_attention_heads", "attention.head_count");
        vision.put("hidden_act", "gelu");
    }

    private boolean hasEither(String first, String second) {
        return parts.tensors().containsKey(first) || parts.tensors().containsKey(second);
    }

    private int scale() {
        int scale = metadata.requireInt(SCALE);
        if (scale < 1 || scale > Limits.NUMBER) {
            throw metadata.unexpected(SCALE, "1 to " + Limits.NUMBER, scale);
        }
        return scale;
    }

    private void put(String key, String gguf) {
        spell(key, gguf);
        vision.put(key, metadata.requireLong(PREFIX + gguf));
    }

    private void spell(String key, String gguf) {
        spellings.put(key, PREFIX + gguf);
    }

    private void number(String key, String gguf) {
        spellings.put(key, gguf);
        vision.put(key, shortest(metadata.requireDouble(gguf)));
    }

    /// Files have numbers in single precision, of a checkpoint's in double.
    private static double shortest(double number) {
        return Double.parseDouble(Float.toString((float) number));
    }

    private long rows(String name) {
        @Nullable RawTensor tensor = parts.tensors().get(name);
        if (tensor == null || tensor.shape().size() < 2) {
            throw MalformedModelException.of(
                    metadata.source(),
                    "tensor " + name,
                    "a matrix",
                    tensor == null ? "no such tensor" : tensor.shape());
        }
        return tensor.shape().get(tensor.shape().size() - 2);
    }

    private int imageToken(JsonObject language) {
        int found = language.value(TOKENS) instanceof List<?> tokens ? tokens.indexOf(projector.imageToken()) : -1;
        if (found < 0) {
            throw language.unexpected(TOKENS, projector.imageToken() + ", which stands for images", "no such token");
        }
        return found;
    }

    /// Returns what would stand in `preprocessor_config.json`.
    JsonObject preprocessor() {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("image_mean", colours("image_mean"));
        config.put("image_std", colours("image_std"));
        switch (projector) {
            case GEMMA4 -> {
                config.put("image_processor_type", "Gemma4ImageProcessor");
                config.put("patch_size", metadata.requireInt(PREFIX + "patch_size"));
                config.put("pooling_kernel_size", pooledSide());
                config.put("max_soft_tokens", GEMMA_MOST_TOKENS);
            }
            case QWEN3_VL -> {
                config.put("image_processor_type", "Qwen2VLImageProcessor");
                config.put("patch_size", metadata.requireInt(PREFIX + "patch_size"));
                config.put("temporal_patch_size", FRAMES);
                config.put("merge_size", mergedSide());
                config.put("min_pixels", optional("image_min_pixels", QWEN_LEAST_PIXELS));
                config.put("max_pixels", optional("image_max_pixels", QWEN_MOST_PIXELS));
            }
            case INTERN_VL -> {
                config.put("image_processor_type", "GotOcr2ImageProcessor");
                config.put("size", tile());
                config.put("min_patches", optional("preproc_min_tiles", 1));
                config.put("max_patches", optional("preproc_max_tiles", INTERN_MOST_TILES));
            }
            case LLAMA4 -> {
                config.put("image_processor_type", "Llama4ImageProcessor");
                config.put("size", tile());
                config.put("max_patches", LLAMA_MOST_TILES);
                config.put("resize_to_max_canvas", false);
            }
        }
        return json(config, metadata)
                .spelled(Map.of(
                        "image_mean", PREFIX + "image_mean",
                        "image_std", PREFIX + "image_std",
                        "patch_size", PREFIX + "patch_size",
                        "merge_size", PREFIX + "spatial_merge_size",
                        "pooling_kernel_size", SCALE,
                        "min_pixels", PREFIX + "image_min_pixels",
                        "max_pixels", PREFIX + "image_max_pixels",
                        "min_patches", PREFIX + "preproc_min_tiles",
                        "max_patches", PREFIX + "preproc_max_tiles"));
    }

    private Map<String, Integer> tile() {
        int side = metadata.requireInt(TILE);
        return Map.of("height", side, "width", side);
    }

    private int optional(String gguf, int otherwise) {
        Optional<Integer> found = metadata.optionalInt(PREFIX + gguf);
        return found.orElse(otherwise);
    }

    private List<Double> colours(String gguf) {
        return metadata.requireDoubles(PREFIX + gguf).stream()
                .map(MmprojConfig::shortest)
                .toList();
    }
}
