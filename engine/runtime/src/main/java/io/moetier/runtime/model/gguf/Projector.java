package io.moetier.runtime.model.gguf;

import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import java.util.List;

/// The way from a tower for images to a language model, which tells the kind of tower that an `mmproj` file has.
///
/// Names and keys are those of llama.cpp (gguf-py).
public enum Projector {
    GEMMA4("gemma4v", "<|image|>", "", List.of("mm.input_projection")),
    QWEN3_VL("qwen3vl_merger", "<|image_pad|>", "v.post_ln", List.of("mm.0", "mm.2")),
    INTERN_VL("internvl", "<IMG_CONTEXT>", "mm.model.mlp.0", List.of("mm.model.mlp.1", "mm.model.mlp.3")),
    LLAMA4("llama4", "<|patch|>", "v.post_ln", List.of("mm.model.mlp.1", "mm.model.mlp.2", "mm.model.fc"));

    /// `general.architecture` of files with a tower.
    public static final String ARCHITECTURE = "clip";

    private static final String GENERAL = "general.architecture";
    private static final String TYPE = "clip.projector_type";
    private static final String TYPE_BESIDE_SOUND = "clip.vision.projector_type";

    private final String type;
    private final String imageToken;
    private final String norm;

    @SuppressWarnings("ImmutableEnumChecker") // List.of is
    private final List<String> linears;

    Projector(String type, String imageToken, String norm, List<String> linears) {
        this.type = type;
        this.imageToken = imageToken;
        this.norm = norm;
        this.linears = linears;
    }

    /// Returns the word of the language model's vocabulary that stands for a row of an image.
    String imageToken() {
        return imageToken;
    }

    /// Returns what the merger's norm is called, where it has weights.
    String norm() {
        return norm;
    }

    /// Returns what the merger's matrices are called.
    List<String> linears() {
        return linears;
    }

    /// Checks that a file has a tower with this projector.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if not
    void requireIn(GgufParts mmproj) {
        JsonObject metadata = mmproj.metadata();
        String architecture = metadata.requireString(GENERAL);
        if (!architecture.equals(ARCHITECTURE)) {
            throw metadata.unexpected(
                    GENERAL, ARCHITECTURE + ", as files with a tower for images (mmproj) have it", architecture);
        }
        String images = "clip.has_vision_encoder";
        if (!metadata.optionalBoolean(images).orElse(true)) {
            throw metadata.unexpected(images, "true", false);
        }
        String key = metadata.has(TYPE_BESIDE_SOUND) ? TYPE_BESIDE_SOUND : TYPE;
        String found = metadata.requireString(key);
        if (!found.equals(type)) {
            throw metadata.unexpected(key, type + ", which goes with the language model", found);
        }
    }
}
