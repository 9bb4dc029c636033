package io.moetier.cli.models;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.storage.format.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// What a model computes, as its `config.json` says it.
///
/// @param model as the command line names it
record SpecSummary(Path model, ModelSpec spec) {
    /// Says whether `model` is a configuration alone, with no weights to be read.
    static boolean isConfig(Path model) {
        return model.toString().endsWith(".json") && Files.isRegularFile(model);
    }

    /// Describes a model by its `config.json`.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is none, or of a family that is not known
    static SpecSummary ofConfig(Path config) {
        return new SpecSummary(config, Families.describe(Json.readObject(config)));
    }

    /// Returns the lines for people.
    Table table() {
        MoeSpec moe = spec.moeLayers().getFirst();
        return Table.ofFacts()
                .row("model", model)
                .row("family", spec.family())
                .row("layers", spec.layers().size() + ", " + spec.moeLayers().size() + " of experts")
                .row("experts", numExperts() + ", " + moe.numExperts() + " in a layer")
                .row("experts of a token", moe.numExpertsPerToken() + " in a layer")
                .row("context", spec.maxPositionEmbeddings() + " tokens")
                .row("vocabulary", spec.vocabSize() + " tokens")
                .row("a mixture", parameters(moe.totalParameters(), moe.activeParameters()))
                .row("the model", parameters(spec.totalParameters(), spec.activeParameters()));
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields() {
        MoeSpec moe = spec.moeLayers().getFirst();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", model.toString());
        fields.put("family", spec.family());
        fields.put("layers", spec.layers().size());
        fields.put("moe_layers", spec.moeLayers().size());
        fields.put("experts_per_layer", moe.numExperts());
        fields.put("experts", numExperts());
        fields.put("top_k", moe.numExpertsPerToken());
        fields.put("context", spec.maxPositionEmbeddings());
        fields.put("vocabulary", spec.vocabSize());
        fields.put("mixture_parameters", moe.totalParameters());
        fields.put("mixture_active_parameters", moe.activeParameters());
        fields.put("parameters", spec.totalParameters());
        fields.put("active_parameters", spec.activeParameters());
        fields.put("saved_share", 1 - (double) spec.activeParameters() / spec.totalParameters());
        return fields;
    }

    long numExperts() {
        return spec.moeLayers().stream().mapToLong(MoeSpec::numExperts).sum();
    }

    private static String parameters(long total, long active) {
        return count(total) + " parameters, " + count(active) + " active for a token, "
                + RunReport.percent((double) active / total);
    }

    private static String count(long parameters) {
        String[] units = {"", " thousand", " million", " billion", " trillion"};
        double value = parameters;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? Long.toString(parameters) : String.format(Locale.ROOT, "%.2f%s", value, units[unit]);
    }
}
