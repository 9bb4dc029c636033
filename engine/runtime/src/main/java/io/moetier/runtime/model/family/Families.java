package io.moetier.runtime.model.family;

import io.moetier.runtime.model.gguf.GgufModel;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.gguf.Projector;
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
import java.util.stream.Collectors;

/// The families this version runs.
public final class Families {
    private static final List<Family> ALL = List.of(
            Afmoe.FAMILY,
            BailingMoeV2.FAMILY,
            Dbrx.FAMILY,
            DeepseekV2.FAMILY,
            DeepseekV3.FAMILY,
            DeepseekV3.SPARSE,
            DeepseekV4.FAMILY,
            Dots1.FAMILY,
            Ernie45Moe.FAMILY,
            ExaoneMoe.FAMILY,
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
            HyV3.FAMILY,
            InternVl.FAMILY,
            Jamba.FAMILY,
            JetMoe.FAMILY,
            KimiLinear.FAMILY,
            Lfm2Moe.FAMILY,
            Llama4.MULTIMODAL,
            Llama4.TEXT,
            LongcatFlash.FAMILY,
            MimoV2Flash.FAMILY,
            MiniMax.FAMILY,
            MiniMaxM2.FAMILY,
            MiniMaxM3.TEXT,
            MiniMaxM3.MULTIMODAL,
            Mistral4.FAMILY,
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
            Step3p5.FAMILY,
            SwitchTransformers.FAMILY);

    /// A family under another name, for models that differ in their numbers alone.
    ///
    /// @param defaults values of keys left out, where they are not the family's
    private record OtherName(Family family, Map<String, Object> defaults) {}

    private static final Map<String, OtherName> OTHER_NAMES = Map.ofEntries(
            Map.entry("bailing_moe_v2", new OtherName(BailingMoeV2.FAMILY, Map.of())),
            Map.entry("glm4v_moe", new OtherName(Glm4Moe.BEHIND_TOWER, Map.of())),
            Map.entry("hunyuan", new OtherName(HunyuanV1Moe.FAMILY, Map.of())),
            Map.entry("joyai_llm_flash", new OtherName(DeepseekV3.FAMILY, Map.of())),
            Map.entry("kimi_k2", new OtherName(DeepseekV3.FAMILY, Map.of())),
            Map.entry("kimi_k25", new OtherName(DeepseekV3.BEHIND_TOWER, Map.of())),
            Map.entry("kimi_vl", new OtherName(DeepseekV3.BEHIND_TOWER, Map.of())),
            Map.entry("mistral3", new OtherName(Mistral4.BEHIND_TOWER, Map.of())),
            Map.entry("qwen3_omni_moe", new OtherName(Qwen3Moe.THINKER, Map.of())),
            Map.entry("solar_open", new OtherName(Glm4Moe.FAMILY, Glm4Moe.SOLAR)),
            Map.entry("step3p7", new OtherName(Step3p5.BEHIND_TOWER, Map.of())));

    /// A family that reads images, and that of its language model, whose files it shares.
    ///
    /// @param projector of its towers, which are in files of their own, where they are read
    private record Sighted(Family family, Family text, Optional<Projector> projector) {
        private static Sighted of(Family family, Family text, Projector projector) {
            return new Sighted(family, text, Optional.of(projector));
        }
    }

    private static final List<Sighted> SIGHTED = List.of(
            Sighted.of(Gemma4.MULTIMODAL, Gemma4.TEXT, Projector.GEMMA4),
            Sighted.of(InternVl.FAMILY, Qwen3Moe.FAMILY, Projector.INTERN_VL),
            Sighted.of(Llama4.MULTIMODAL, Llama4.TEXT, Projector.LLAMA4),
            new Sighted(MiniMaxM3.MULTIMODAL, MiniMaxM3.TEXT, Optional.empty()),
            Sighted.of(Qwen35Moe.MULTIMODAL, Qwen35Moe.TEXT, Projector.QWEN3_VL),
            Sighted.of(Qwen3VlMoe.MULTIMODAL, Qwen3VlMoe.TEXT, Projector.QWEN3_VL));

    /// A name that Ollama gave an architecture in files that it converted itself.
    ///
    /// @param known what llama.cpp calls it
    /// @param unread keys under which such files have something else
    private record OllamaName(String known, Set<String> unread) {
        private static OllamaName of(String architecture) {
            return OLLAMA.getOrDefault(architecture, new OllamaName(architecture, Set.of()));
        }
    }

    private static final Map<String, OllamaName> OLLAMA = Map.of(
            "gptoss", new OllamaName("gpt-oss", Set.of()),
            "nemotron_h_omni", new OllamaName("nemotron_h_moe", Set.of()),
            "glm4moelite",
                    new OllamaName("deepseek2", Set.of("attention.key_length_mla", "attention.value_length_mla")));

    private static final String ARCHITECTURE = "general.architecture";
    private static final String CORRECTION = ".exp_probs_b.bias";
    private static final String END_OF_SEQUENCE = "eos_token_id";
    private static final String FORCED_FIRST_TOKEN = "forced_bos_token_id";

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
        Family family = family(parts);
        return GgufModel.read(family.modelType(), rule(family, parts.metadata()), parts, family::describe);
    }

    /// Describes the model in a GGUF file with the tower for images in another one.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException as [#describe(GgufParts)], or if the tower is of
    ///     no such model
    public static GgufModel describe(GgufParts parts, GgufParts mmproj) {
        Family text = family(parts);
        GgufModel _ = describe(parts); // what is wrong from here on is wrong with the tower
        Sighted sighted = sighted(text)
                .orElseThrow(() -> parts.metadata()
                        .unexpected(
                                ARCHITECTURE,
                                "one whose models may have a tower for images: "
                                        + SIGHTED.stream()
                                                .filter(each -> each.projector.isPresent())
                                                .map(each -> rule(each.text).architecture())
                                                .sorted()
                                                .collect(Collectors.joining(", ")),
                                parts.metadata().requireString(ARCHITECTURE)));
        return GgufModel.read(
                text.modelType(),
                rule(text, parts.metadata()),
                parts,
                sighted.family.modelType(),
                sighted.projector.orElseThrow(),
                mmproj,
                sighted.family::describe);
    }

    /// Returns what files with towers for the model in a GGUF file have, if its family has any.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the architecture is unknown
    public static Optional<Projector> projector(GgufParts parts) {
        return sighted(family(parts)).flatMap(Sighted::projector);
    }

    private static Optional<Sighted> sighted(Family text) {
        return SIGHTED.stream()
                .filter(each -> each.text.equals(text) && each.projector.isPresent())
                .findFirst();
    }

    /// Says whether models of a family read images with a tower that a file of its own has.
    public static boolean hasTowers(String modelType) {
        return SIGHTED.stream().anyMatch(each -> each.text.modelType().equals(modelType) && each.projector.isPresent());
    }

    private static GgufRule rule(Family family) {
        return family.gguf().orElseThrow();
    }

    /// Returns the rule of a family for a file, which may have a name of Ollama's for the architecture.
    private static GgufRule rule(Family family, JsonObject metadata) {
        String architecture = metadata.requireString(ARCHITECTURE);
        return rule(family).in(architecture, OllamaName.of(architecture).unread);
    }

    private static Family family(GgufParts parts) {
        JsonObject metadata = parts.metadata();
        String architecture = metadata.requireString(ARCHITECTURE);
        if (architecture.equals(Projector.ARCHITECTURE)) {
            throw metadata.unexpected(
                    ARCHITECTURE, "that of a language model, beside which this tower for images is", architecture);
        }
        String known = OllamaName.of(architecture).known;
        List<Family> candidates = ALL.stream()
                .filter(family -> family.gguf()
                        .filter(rule -> rule.architecture().equals(known))
                        .isPresent())
                .toList();
        if (candidates.isEmpty()) {
            throw metadata.unexpected(ARCHITECTURE, "one of " + String.join(", ", architectures()), architecture);
        }
        boolean corrected = parts.tensors().keySet().stream().anyMatch(name -> name.endsWith(CORRECTION));
        return candidates.stream()
                .filter(candidate -> rule(candidate, metadata).fits(metadata, corrected))
                .reduce((first, last) -> last) // a rule with more needs stands behind one with fewer
                .orElse(candidates.getFirst());
    }

    /// Returns what the weights of a model are called in GGUF files, by the model's own names, as [GgufModel#names]
    /// says. Nothing if the family has no such files.
    public static Optional<Map<String, String>> ggufNames(ModelSpec spec, Predicate<String> has) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(spec.family()))
                .map(family -> SIGHTED.stream()
                        .filter(each -> each.family.equals(family))
                        .map(Sighted::text)
                        .findFirst()
                        .orElse(family))
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
        return describeWithMtp(config).withoutMtp();
    }

    /// Describes the model that a checkpoint's `config.json` belongs to, and its layer for multi-token
    /// prediction, if it has one.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException as [#describe(JsonObject)]
    public static ModelSpec describeWithMtp(JsonObject config) {
        String modelType = config.requireString("model_type");
        OtherName name = Optional.ofNullable(OTHER_NAMES.get(modelType))
                .orElseGet(() -> ALL.stream()
                        .filter(family -> family.modelType().equals(modelType))
                        .findFirst()
                        .map(family -> new OtherName(family, Map.of()))
                        .orElseThrow(() -> NearestFamily.of(config, ALL).unknown(config)));
        ModelSpec spec = name.family.describe(config.withDefaults(name.defaults));
        endOfSequence(config, spec);
        forcedFirstToken(config, spec);
        return spec;
    }

    /// Describes the model of a store.
    ///
    /// @param config its `config.json`
    /// @param dense its weights outside the experts
    /// @throws io.moetier.storage.model.MalformedModelException as [#describe(JsonObject)]
    public static ModelSpec describe(JsonObject config, Path dense) {
        ModelSpec spec = describeWithMtp(config);
        if (spec.vision().isEmpty() && spec.mtp().isEmpty()) {
            return spec;
        }
        try (SafetensorsFile file = SafetensorsFile.open(dense)) {
            Predicate<String> has = file.rawTensors()::containsKey;
            boolean hasMtp =
                    spec.mtp().filter(mtp -> has.test(mtp.ofHidden().weight())).isPresent();
            return (hasMtp ? spec : spec.withoutMtp()).seeingIf(has);
        }
    }

    /// Returns the tokens that end an answer, if a `config.json` or `generation_config.json` names them.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if one is not of the vocabulary
    public static Optional<Set<Integer>> endOfSequence(JsonObject config, ModelSpec spec) {
        Optional<List<Integer>> ids = config.optionalInts(END_OF_SEQUENCE)
                .or(() -> config.optionalObject("text_config").flatMap(text -> text.optionalInts(END_OF_SEQUENCE)));
        ids.stream().flatMap(List::stream).forEach(id -> requireToken(config, END_OF_SEQUENCE, id, spec));
        return ids.map(LinkedHashSet::new);
    }

    /// Returns the tokens that a `generation_config.json` says are never to be drawn. What the vocabulary does
    /// not have, as the −1 that stands for none, cannot be drawn anyway.
    public static Set<Integer> suppressedTokens(JsonObject config, ModelSpec spec) {
        return config.optionalInts("suppress_tokens").orElse(List.of()).stream()
                .filter(id -> id >= 0 && id < spec.vocabSize())
                .collect(Collectors.toUnmodifiableSet());
    }

    /// Returns the token that every output of a model with an encoder begins with behind the decoder's first one, if a
    /// `config.json` or `generation_config.json` names one: a translation model's language.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is not of the vocabulary
    public static Optional<Integer> forcedFirstToken(JsonObject config, ModelSpec spec) {
        Optional<Integer> token =
                spec.encoder().isPresent() ? config.optionalInt(FORCED_FIRST_TOKEN) : Optional.empty();
        token.ifPresent(id -> requireToken(config, FORCED_FIRST_TOKEN, id, spec));
        return token;
    }

    private static void requireToken(JsonObject config, String key, int id, ModelSpec spec) {
        if (id < 0 || id >= spec.vocabSize()) {
            String last = spec.vocabSize() - 1 + ", as the vocabulary has " + spec.vocabSize() + " tokens";
            throw config.unexpected(key, "0 to " + last, id);
        }
    }
}
