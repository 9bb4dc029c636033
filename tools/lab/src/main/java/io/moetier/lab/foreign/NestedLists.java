package io.moetier.lab.foreign;

import io.moetier.storage.format.JsonObject;
import java.util.List;

/// Lists of lists of lists of expert ids, as JSON has arrays.
final class NestedLists implements RoutedExperts {
    private final List<?> tokens;
    private final int numLayers;
    private final int topK;

    private NestedLists(List<?> tokens, int numLayers, int topK) {
        this.tokens = tokens;
        this.numLayers = numLayers;
        this.topK = topK;
    }

    /// Checks the lists under `key`; `field` is named in errors.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if their lengths differ or not all are of integers
    static NestedLists of(JsonObject json, String field, List<?> tokens) {
        List<?> layers = tokens.isEmpty() ? List.of() : list(json, field + "[0]", tokens.getFirst());
        List<?> slots = layers.isEmpty() ? List.of() : list(json, field + "[0][0]", layers.getFirst());
        for (int token = 0; token < tokens.size(); token++) {
            String ofToken = field + "[" + token + "]";
            List<?> row = sized(json, ofToken, tokens.get(token), layers.size());
            for (int layer = 0; layer < row.size(); layer++) {
                String ofLayer = ofToken + "[" + layer + "]";
                for (Object id : sized(json, ofLayer, row.get(layer), slots.size())) {
                    if (!(id instanceof Integer)) {
                        throw json.unexpected(ofLayer, "integers", row.get(layer));
                    }
                }
            }
        }
        return new NestedLists(tokens, layers.size(), slots.size());
    }

    @Override
    public int numTokens() {
        return tokens.size();
    }

    @Override
    public int numLayers() {
        return numLayers;
    }

    @Override
    public int topK() {
        return topK;
    }

    @Override
    public int id(int token, int layer, int slot) {
        return tokens.get(token) instanceof List<?> layers
                        && layers.get(layer) instanceof List<?> slots
                        && slots.get(slot) instanceof Integer id
                ? id
                : -1; // of() saw that it is one
    }

    private static List<?> list(JsonObject json, String field, Object value) {
        if (value instanceof List<?> list) {
            return list;
        }
        throw json.unexpected(field, "a list", value);
    }

    private static List<?> sized(JsonObject json, String field, Object value, int size) {
        List<?> list = list(json, field, value);
        if (list.size() != size) {
            throw json.unexpected(field, "a list of " + size, "one of " + list.size());
        }
        return list;
    }
}
