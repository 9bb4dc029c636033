package io.moetier.lab.throughput;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.Phase;
import java.util.LinkedHashMap;
import java.util.Map;

/// One point of a sweep.
///
/// @param tokens of the prompt, or how many are generated in a round
/// @param depth tokens in front of these
/// @param budget of memory for experts, as it was asked for
/// @param threads that compute; 0 where it is no processor that does
/// @param maxKld what may be lost of a token at most, in nats; 0 where it is the whole model
public record Case(Phase phase, int tokens, int depth, String budget, int threads, double maxKld) {
    /// Returns what a table calls it.
    public String label() {
        String what = phase == Phase.PREFILL ? "prompt " + tokens : "generate " + tokens;
        return depth == 0 ? what : what + " behind " + depth;
    }

    /// Returns what it is called beside those of other budgets and threads.
    public String fullLabel() {
        return label() + ", " + setting(budget, threads, maxKld);
    }

    /// Returns what a setting is called.
    public static String setting(String budget, int threads, double maxKld) {
        return budget
                + (threads == 0 ? "" : ", " + threads + (threads == 1 ? " thread" : " threads"))
                + (maxKld == 0 ? "" : ", lossy up to " + maxKld);
    }

    /// Returns of how many tokens a step is.
    public int stepTokens() {
        return phase == Phase.PREFILL ? tokens : 1;
    }

    /// Returns the fields of a file.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("phase", phase.label());
        fields.put("tokens", tokens);
        fields.put("depth", depth);
        fields.put("budget", budget);
        fields.put("threads", threads);
        if (maxKld > 0) {
            fields.put("max_kld", maxKld);
        }
        return fields;
    }

    static Case parse(JsonObject json) {
        String phase = json.requireString("phase");
        for (Phase each : Phase.values()) {
            if (each.label().equals(phase)) {
                return new Case(
                        each,
                        json.requireInt("tokens"),
                        json.requireInt("depth"),
                        json.requireString("budget"),
                        json.requireInt("threads"),
                        json.optionalDouble("max_kld").orElse(0.0));
            }
        }
        throw json.unexpected("phase", "prefill or decode", phase);
    }
}
