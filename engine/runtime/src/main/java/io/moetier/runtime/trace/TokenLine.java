package io.moetier.runtime.trace;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// One token as a line of the file, in both directions.
final class TokenLine {
    private TokenLine() {}

    static TraceToken parse(JsonObject json, TraceHeader header) {
        int[][] experts = experts(json, header);
        return new TraceToken(
                        index(json, "r"),
                        index(json, "t"),
                        json.has("s") ? OptionalInt.of(index(json, "s")) : OptionalInt.empty(),
                        phase(json),
                        experts,
                        weights(json, experts),
                        tiers(json, experts))
                .of(modality(json));
    }

    static Map<String, Object> toMap(TraceToken token) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("r", token.request());
        line.put("t", token.position());
        line.put("p", token.phase().label());
        if (token.modality() != Modality.TEXT) {
            line.put("m", token.modality().label());
        }
        token.step().ifPresent(step -> line.put("s", step));
        line.put("e", token.experts());
        token.weights().ifPresent(weights -> line.put("w", weights));
        token.tiers().ifPresent(tiers -> line.put("h", labels(tiers)));
        return line;
    }

    private static String[][] labels(Tier[][] tiers) {
        String[][] labels = new String[tiers.length][];
        for (int layer = 0; layer < tiers.length; layer++) {
            labels[layer] = new String[tiers[layer].length];
            for (int i = 0; i < tiers[layer].length; i++) {
                labels[layer][i] = tiers[layer][i].label();
            }
        }
        return labels;
    }

    private static int index(JsonObject json, String key) {
        int value = json.requireInt(key);
        if (value < 0) {
            throw json.unexpected(key, "a number from 0", value);
        }
        return value;
    }

    private static Phase phase(JsonObject json) {
        String label = json.requireString("p");
        for (Phase phase : Phase.values()) {
            if (phase.label().equals(label)) {
                return phase;
            }
        }
        throw json.unexpected("p", "prefill or decode", label);
    }

    private static Modality modality(JsonObject json) {
        String label = json.optionalString("m").orElse(Modality.TEXT.label());
        for (Modality modality : Modality.values()) {
            if (modality.label().equals(label)) {
                return modality;
            }
        }
        throw json.unexpected("m", "text or image", label);
    }

    private static int[][] experts(JsonObject json, TraceHeader header) {
        List<?> layers = sized(json, "e", json.asMap().get("e"), header.layers());
        int[][] experts = new int[layers.size()][];
        for (int layer = 0; layer < experts.length; layer++) {
            String field = "e[" + layer + "]";
            List<?> chosen = chosen(json, field, layers.get(layer), header);
            experts[layer] = new int[chosen.size()];
            BitSet seen = new BitSet();
            for (int i = 0; i < experts[layer].length; i++) {
                if (!(chosen.get(i) instanceof Integer expert)
                        || expert < 0
                        || expert >= header.experts()
                        || seen.get(expert)) {
                    throw json.unexpected(field, "distinct experts from 0 to " + (header.experts() - 1), chosen);
                }
                seen.set(expert);
                experts[layer][i] = expert;
            }
        }
        return experts;
    }

    private static Optional<float[][]> weights(JsonObject json, int[][] experts) {
        if (!json.has("w")) {
            return Optional.empty();
        }
        List<?> layers = sized(json, "w", json.asMap().get("w"), experts.length);
        float[][] weights = new float[experts.length][];
        for (int layer = 0; layer < weights.length; layer++) {
            String field = "w[" + layer + "]";
            List<?> values = sized(json, field, layers.get(layer), experts[layer].length);
            weights[layer] = new float[values.size()];
            for (int i = 0; i < weights[layer].length; i++) {
                if (!(values.get(i) instanceof Number weight) || !Float.isFinite(weight.floatValue())) {
                    throw json.unexpected(field, "finite numbers of 32 bits", values);
                }
                weights[layer][i] = weight.floatValue();
            }
        }
        return Optional.of(weights);
    }

    private static Optional<Tier[][]> tiers(JsonObject json, int[][] experts) {
        if (!json.has("h")) {
            return Optional.empty();
        }
        List<?> layers = sized(json, "h", json.asMap().get("h"), experts.length);
        Tier[][] tiers = new Tier[experts.length][];
        for (int layer = 0; layer < tiers.length; layer++) {
            String field = "h[" + layer + "]";
            List<?> values = sized(json, field, layers.get(layer), experts[layer].length);
            tiers[layer] = new Tier[values.size()];
            for (int i = 0; i < tiers[layer].length; i++) {
                tiers[layer][i] = tier(json, field, values.get(i));
            }
        }
        return Optional.of(tiers);
    }

    private static Tier tier(JsonObject json, String field, Object label) {
        for (Tier tier : Tier.values()) {
            if (tier.label().equals(label)) {
                return tier;
            }
        }
        throw json.unexpected(field, "device, host, disk or node", label);
    }

    /// Returns a layer's experts: as many as the header says, or none where nothing was recorded.
    private static List<?> chosen(JsonObject json, String field, @Nullable Object value, TraceHeader header) {
        if (value instanceof List<?> list
                && (list.isEmpty() || (header.fewerExperts() && list.size() < header.topK()))) {
            return list;
        }
        return sized(json, field, value, header.topK());
    }

    private static List<?> sized(JsonObject json, String field, @Nullable Object value, int size) {
        if (value instanceof List<?> list && list.size() == size) {
            return list;
        }
        throw json.unexpected(
                field, "a list of " + size, value instanceof List<?> list ? "one of " + list.size() : value);
    }
}
