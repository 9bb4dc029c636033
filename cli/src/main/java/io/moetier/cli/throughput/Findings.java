package io.moetier.cli.throughput;

import io.moetier.cli.models.ModelSummary;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Throughput;
import io.moetier.storage.format.Checkpoint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a sweep has found.
///
/// @param device what computed
/// @param expectations of each setting that could be predicted
/// @param whyNone there are no expectations, as the end of a sentence; empty if there are some
/// @param leftOut what there was no time for, or could not be measured, as sentences
record Findings(
        ModelSummary model,
        String device,
        List<SettingResult> results,
        List<Expectation> expectations,
        String whyNone,
        List<String> leftOut) {
    /// Returns what a model is called for people: a repository of the hub by its own name.
    static String name(ModelSummary model) {
        return Checkpoint.nameOf(model.model());
    }

    List<Measured> measured() {
        return results.stream().flatMap(result -> result.measured().stream()).toList();
    }

    /// Returns what the limits of loss bring where generation has the fewest tokens in front, the smallest limit first.
    List<Gain> gains() {
        return results.stream()
                .flatMap(result -> Gain.of(result, measured()).stream())
                .toList();
    }

    /// Returns the fields of the file that `--json` writes.
    Map<String, Object> fields() {
        Map<String, Object> fields = new Throughput(name(model), device, measured()).fields();
        fields.put(
                "settings",
                results.stream()
                        .map(result -> {
                            Map<String, Object> of = new LinkedHashMap<>();
                            of.put("budget", result.setting().budget());
                            of.put("threads", result.setting().threads());
                            if (result.setting().maxKld() > 0) {
                                of.put("max_kld", result.setting().maxKld());
                            }
                            result.loss().ifPresent(loss -> of.putAll(loss.fields()));
                            of.put("policy", result.held().policy());
                            of.put("expert_slots", result.held().slots());
                            of.put("bytes", result.held().tiers());
                            return of;
                        })
                        .toList());
        fields.put(
                "expectations", expectations.stream().map(Expectation::fields).toList());
        return fields;
    }
}
