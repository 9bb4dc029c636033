package io.moetier.runtime.model.family;

import io.moetier.runtime.model.gguf.GgufModel;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/// The families this version runs.
public final class Families {
    private static final List<Family> ALL = List.of(
            Afmoe.FAMILY,
            Dbrx.FAMILY,
            DeepseekV2.FAMILY,
            DeepseekV3.FAMILY,
            DeepseekV3.SPARSE,
            DeepseekV4.FAMILY,
            Dots1.FAMILY,
            Ernie45Moe.FAMILY,
            FlexOlmo.FAMILY,
            Gemma4.MULTIMODAL,
            Gemma4.TEXT,
            Glam.FAMILY,
            Glm4Moe.FAMILY,
            Glm4MoeLite.FAMILY,
            GlmMoeDsa.FAMILY,
            GptOss.FAMILY,
            GraniteMoe.FAMILY,
            GraniteMoeHybrid.FAMILY,
            GraniteMoe.SHARED,
            HunyuanV1Moe.FAMILY,
            InternVl.FAMILY,
            Jamba.FAMILY,
            JetMoe.FAMILY,
            Lfm2Moe.FAMILY,
            Llama4.MULTIMODAL,
            Llama4.TEXT,
            LongcatFlash.FAMILY,
            MiniMax.FAMILY,
            MiniMaxM2.FAMILY,
            MiniMaxM3.TEXT,
            MiniMaxM3.MULTIMODAL,
            Mixtral.FAMILY,
            NemotronH.FAMILY,
            NllbMoe.FAMILY,
            Olmoe.FAMILY,
            PhiMoe.FAMILY,
            Qwen2Moe.FAMILY,
            Qwen35Moe.MULTIMODAL,
            Qwen35Moe.TEXT,
            Qwen3Moe.FAMILY,
            Qwen3Next.FAMILY,
            Qwen3VlMoe.MULTIMODAL,
            Qwen3VlMoe.TEXT,
            SwitchTransformers.FAMILY);

    /// Families that read images, and those of their language models, whose files they share.
    private static final Map<String, Family> TEXT_MODELS = Map.of(
            Qwen35Moe.MULTIMODAL.modelType(), Qwen35Moe.TEXT,
            Qwen3VlMoe.MULTIMODAL.modelType(), Qwen3VlMoe.TEXT,
            MiniMaxM3.MULTIMODAL.modelType(), MiniMaxM3.TEXT,
            Llama4.MULTIMODAL.modelType(), Llama4.TEXT);

    private static final String END_OF_SEQUENCE = "eos_token_id";

    private Families() {}

    /// Returns the `model_type` of every known family, in alphabetical order.
    public static List<String> names() {
        return ALL.stream().map(Family::modelType).toList();
    }

    /// Returns what each known family is made of, in alphabetical order.
    public static List<FamilyTraits> traits() {
        return ALL.stream().map(FamilyTraits::of).toList();
    }

    /// Returns a configuration as checkpoints of the family have it.
    static JsonObject example(String modelType) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(modelType))
                .findFirst()
                .orElseThrow()
                .exampleConfig();
    }

    /// Describes the model in a GGUF file.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the architecture is unknown, a value or
    ///     tensor is missing, cannot be or has no place in the model
    public static GgufModel describe(GgufParts parts) {
        JsonObject metadata = parts.metadata();
        String architecture = metadata.requireString("general.architecture");
        List<Family> candidates = ALL.stream()
                .filter(family -> family.gguf()
                        .filter(rule -> rule.architecture().equals(architecture))
                        .isPresent())
                .toList();
        if (candidates.isEmpty()) {
            throw metadata.unexpected(
                    "general.architecture", "one of " + String.join(", ", architectures()), architecture);
        }
        Family family = candidates.stream()
                .filter(candidate -> candidate.gguf().orElseThrow().fits(metadata))
                .reduce((first, last) -> last) // a rule with more needs stands behind one with fewer
                .orElse(candidates.getFirst());
        return GgufModel.read(family.modelType(), family.gguf().orElseThrow(), parts, family::describe);
    }

    /// Returns what the weights of a model are called in GGUF files, by the model's own names, as [GgufModel#names]
    /// says. Nothing if the family has no such files.
    public static Optional<Map<String, String>> ggufNames(ModelSpec spec, Predicate<String> has) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(spec.family()))
                .map(family -> TEXT_MODELS.getOrDefault(family.modelType(), family))
                .flatMap(family -> family.gguf().stream())
                .findFirst()
                .map(rule -> GgufModel.names(spec, rule, has));
    }

    private static List<String> architectures() {
        return ALL.stream()
                .flatMap(family -> family.gguf().stream())
                .map(GgufRule::architecture)
                .distinct()
                .sorted()
                .toList();
    }

    /// Describes the model that a checkpoint's `config.json` belongs to.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the family is unknown or a value is missing or
    ///     cannot be
    public static ModelSpec describe(JsonObject config) {
        String modelType = config.requireString("model_type");
        ModelSpec spec = ALL.stream()
                .filter(family -> family.modelType().equals(modelType))
                .findFirst()
                .orElseThrow(() -> NearestFamily.of(config, ALL).unknown(config))
                .describe(config);
        endOfSequence(config, spec);
        return spec;
    }

    /// Describes the model of a store.
    ///
    /// @param config its `config.json`
    /// @param dense its weights outside the experts
    /// @throws io.moetier.storage.model.MalformedModelException as [#describe(JsonObject)]
    public static ModelSpec describe(JsonObject config, Path dense) {
        ModelSpec spec = describe(config);
        if (spec.vision().isEmpty()) {
            return spec;
        }
        try (SafetensorsFile file = SafetensorsFile.open(dense)) {
            return spec.seeingIf(file.rawTensors()::containsKey);
        }
    }

    /// Returns the tokens that end an answer, if a `config.json` or `generation_config.json` names them.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if one is not of the vocabulary
    public static Optional<Set<Integer>> endOfSequence(JsonObject config, ModelSpec spec) {
        Optional<List<Integer>> ids = config.optionalInts(END_OF_SEQUENCE)
                .or(() -> config.optionalObject("text_config").flatMap(text -> text.optionalInts(END_OF_SEQUENCE)));
        ids.stream()
                .flatMap(List::stream)
                .filter(id -> id < 0 || id >= spec.vocabSize())
                .findFirst()
                .ifPresent(id -> {
                    String last = spec.vocabSize() - 1 + ", as the vocabulary has " + spec.vocabSize() + " tokens";
                    throw config.unexpected(END_OF_SEQUENCE, "0 to " + last, id);
                });
        return ids.map(LinkedHashSet::new);
    }
}
