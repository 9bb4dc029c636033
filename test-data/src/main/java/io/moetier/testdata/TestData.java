package io.moetier.testdata;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Finds the committed models, golden cases and traces, whichever module the test runs in.
public final class TestData {
    /// Golden cases that the families of this version reproduce.
    public static final List<String> GOLDEN_CASES = List.of(
            "dbrx",
            "gemma4_moe",
            "glam",
            "gpt_oss",
            "gpt_oss_mxfp4",
            "granitemoe",
            "granitemoehybrid",
            "granitemoeshared",
            "jamba",
            "jetmoe",
            "lfm2_moe",
            "llama4_maverick",
            "llama4_scout",
            "mimo_v2_flash",
            "minimax",
            "mistral4",
            "mixtral",
            "mixtral_sharded",
            "mixtral_sliding",
            "nemotron_h_moe",
            "nemotron_h_moe_latent",
            "qwen2_moe",
            "qwen2_moe_sparse_step",
            "qwen3_5_moe",
            "qwen3_5_moe_mtp",
            "qwen3_moe",
            "qwen3_moe_v5config",
            "qwen3_moe_yarn",
            "qwen3_next",
            "kimi_linear",
            "olmoe",
            "olmoe_clip_qkv",
            "afmoe",
            "bailing_moe",
            "dots1",
            "ernie4_5_moe",
            "ernie4_5_moe_interval",
            "exaone_moe",
            "flex_olmo",
            "glm4_moe",
            "glm4_moe_qknorm",
            "hunyuan_v1_moe",
            "hy_v3",
            "minimax_m2",
            "minimax_m3",
            "phimoe",
            "phimoe_longrope_long",
            "phimoe_longrope_short",
            "step3p5",
            "deepseek_v2",
            "deepseek_v2_lite",
            "deepseek_v3",
            "deepseek_v3_v5config",
            "deepseek_v3_yarn",
            "deepseek_v32",
            "deepseek_v4",
            "glm_moe_dsa",
            "glm_moe_dsa_shared",
            "glm4_moe_lite",
            "longcat_flash");

    /// Cases whose prompt has an image: the model, and `inputs.safetensors` with its pixel values.
    public static final List<String> GOLDEN_IMAGE_CASES = List.of(
            "gemma4_moe_image", "internvl_qwen3_moe", "llama4_scout_image", "qwen3_5_moe_image", "qwen3_vl_moe");

    /// Golden cases of models with an encoder, whose reference is a pass over given decoder tokens.
    public static final List<String> ENCODER_DECODER_CASES =
            List.of("nllb_moe", "nllb_moe_capacity", "switch_transformers", "switch_transformers_capacity");

    private TestData() {}

    /// Returns the directory of a golden case, for example `mixtral_sliding`.
    public static Path golden(String name) {
        return root().resolve("golden").resolve(name);
    }

    /// Returns the trained 15-million-parameter Mixtral.
    public static Path tinyMixtral() {
        return root().resolve("models/tiny-mixtral");
    }

    /// Returns a routing trace, for example `gpt-oss-20b_misc_small`.
    public static Path trace(String name) {
        return root().resolve("traces").resolve(name + ".jsonl.gz");
    }

    /// Returns the file of quantised blocks and what they decode to; `make_blocks.py` beside it says its
    /// form.
    public static Path quantisedBlocks() {
        return root().resolve("formats/blocks.bin.gz");
    }

    /// Returns the `test-data` directory of the source tree.
    ///
    /// @throws IllegalStateException if the working directory is not inside the source tree
    public static Path root() {
        for (Path dir = Path.of("").toAbsolutePath(); dir != null; dir = dir.getParent()) {
            if (Files.isDirectory(dir.resolve("test-data/golden"))) {
                return dir.resolve("test-data");
            }
        }
        throw new IllegalStateException(
                "no test-data/golden above " + Path.of("").toAbsolutePath());
    }
}
