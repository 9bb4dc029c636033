package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/// A model family as its checkpoints describe it.
///
/// @param modelType `model_type` in `config.json`
/// @param defaults values of keys left out, those of the family's configuration class in transformers
/// @param description what the model computes
/// @param gguf what GGUF files of the family do not say themselves, if there are any
/// @param example a configuration as checkpoints of the family have it
record Family(
        String modelType,
        Map<String, Object> defaults,
        Function<FamilyConfig, ModelSpec> description,
        Optional<GgufRule> gguf,
        Example example) {
    private static final String EXPERTS = "num_experts";

    /// A family whose golden case is called as the family is.
    Family(
            String modelType,
            Map<String, Object> defaults,
            Function<FamilyConfig, ModelSpec> description,
            Optional<GgufRule> gguf) {
        this(modelType, defaults, description, gguf, new Example(modelType.replace('-', '_'), Optional.empty()));
    }

    /// Describes the model of a checkpoint with this configuration.
    ///
    /// @throws MalformedModelException if a value is missing or cannot be
    ModelSpec describe(JsonObject config) {
        FamilyConfig own = new FamilyConfig(modelType, config);
        FamilyConfig read = defaults.containsKey(EXPERTS) ? own.alias("num_local_experts", EXPERTS) : own;
        try {
            return description.apply(read.withDefaults(defaults));
        } catch (IllegalArgumentException e) { // a record of the description refuses a number
            throw new MalformedModelException(config.source() + ": " + e.getMessage(), e);
        } catch (ArithmeticException e) {
            throw new MalformedModelException(config.source() + ": expected sizes whose products fit 32 bits", e);
        }
    }

    /// The configuration of a golden case, which the build puts among the resources.
    ///
    /// @param golden name of the case
    /// @param nestedIn the key of the object that the family's checkpoints have it in, if they do
    record Example(String golden, Optional<String> nestedIn) {}

    /// Returns the example.
    JsonObject exampleConfig() {
        String name = "examples/" + example.golden() + "/config.json";
        try (InputStream in = Family.class.getResourceAsStream(name)) {
            Map<String, Object> values = new LinkedHashMap<>(
                    Json.parseObject(Objects.requireNonNull(in, name).readAllBytes(), Path.of(name))
                            .asMap());
            Map<String, Object> config = example.nestedIn()
                    .<Map<String, Object>>map(key -> new LinkedHashMap<>(Map.of(key, values)))
                    .orElse(values);
            config.put("model_type", modelType);
            return Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), Path.of(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
