package io.moetier.lab.cost;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// What a prompt costs where the CPU computes. Measured by `moetier doctor`, and kept in the same file as the
/// [MachineProfile].
///
/// A pass over `n` tokens takes for each matrix of `w` weights `w * (weightSeconds + n * rowSeconds)`: the weights come
/// from memory once, and each is multiplied with every token. Beside its matrices a layer takes
/// `layerSeconds + width * widthSeconds` for each token, and `keySeconds` for each element of its queries and each key
/// that these see.
///
/// @param products what kernels take, by the type of weights
/// @param layerSeconds what a layer takes for a token beside products, however wide it is
/// @param widthSeconds the same for each element of the residual stream: norms, rotations, sums of experts
/// @param keySeconds the same for each element of the queries and each key: attention
public record PromptCosts(Map<DType, Products> products, double layerSeconds, double widthSeconds, double keySeconds) {
    /// The key in the file of a profile; earlier versions have other figures, as "prompt_row_seconds".
    public static final String KEY = "prompt_costs";

    private static final String PRODUCTS = "products";

    /// What products of one type of weights take.
    ///
    /// @param weightSeconds one weight, once in a pass
    /// @param rowSeconds one weight, for each token that it is multiplied with
    public record Products(double weightSeconds, double rowSeconds) {
        /// Returns what so many weights take that are multiplied with so many tokens each.
        public double seconds(double weights, double rows) {
            return weights * (weightSeconds + rows * rowSeconds);
        }

        private Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("weight_seconds", weightSeconds);
            fields.put("row_seconds", rowSeconds);
            return fields;
        }

        private static Products parse(JsonObject json) {
            return new Products(
                    DecodeCosts.seconds(json, "weight_seconds", 0), DecodeCosts.seconds(json, "row_seconds", 0));
        }
    }

    public PromptCosts {
        Map<DType, Products> sorted = new EnumMap<>(DType.class);
        sorted.putAll(products);
        products = sorted;
    }

    /// Returns what products take; nothing for a type that was not measured.
    public Optional<Products> products(DType type) {
        return Optional.ofNullable(products.get(type));
    }

    /// Returns what a layer takes for one of `tokens` tokens of a prompt beside its products.
    ///
    /// @param width elements of the residual stream
    /// @param queryWidth elements of all queries of a token
    public double besideSeconds(int width, int queryWidth, int tokens) {
        double keys = (tokens + 1) / 2.0; // half of the prompt is before a token
        return layerSeconds + width * widthSeconds + queryWidth * keys * keySeconds;
    }

    /// Returns the fields of a profile's file.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("layer_seconds", layerSeconds);
        fields.put("width_seconds", widthSeconds);
        fields.put("key_seconds", keySeconds);
        Map<String, Object> ofTypes = new LinkedHashMap<>();
        products.forEach((type, of) -> ofTypes.put(type.label(), of.fields()));
        fields.put(PRODUCTS, ofTypes);
        return fields;
    }

    /// Reads them from the file of a profile; nothing if they were not measured.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is no profile
    public static Optional<PromptCosts> read(Path file) {
        return Json.readObject(file).optionalObject(KEY).map(PromptCosts::parse);
    }

    private static PromptCosts parse(JsonObject json) {
        JsonObject ofTypes = json.requireObject(PRODUCTS);
        Map<DType, Products> products = new EnumMap<>(DType.class);
        for (String label : ofTypes.keys()) {
            DType type = Stream.of(DType.values())
                    .filter(each -> each.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> json.unexpected(PRODUCTS, "types of weights", label));
            products.put(type, Products.parse(ofTypes.requireObject(label)));
        }
        return new PromptCosts(
                products,
                DecodeCosts.seconds(json, "layer_seconds", 0),
                DecodeCosts.seconds(json, "width_seconds", 0),
                DecodeCosts.seconds(json, "key_seconds", 0));
    }
}
