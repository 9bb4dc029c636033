package io.moetier.cli.report;

import io.moetier.cli.option.OptionFlags;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.model.mixture.LossMeter;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.session.Engine;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/// How many experts tokens were sent to, and whether that is what the model was trained for.
///
/// @param perToken in one layer, on average
/// @param most in one layer
/// @param lossy the options that made it differ from what the model was trained for
/// @param estimatedKld of all tokens that were decoded with them, where that is limited, in nats
public record ExpertsUsed(double perToken, int most, Optional<String> lossy, OptionalDouble estimatedKld) {
    public static ExpertsUsed of(Engine engine, RunStats stats) {
        int most = engine.spec().moeLayers().stream()
                .mapToInt(MoeSpec::numExpertsPerToken)
                .max()
                .orElse(0);
        LossMeter loss = engine.loss();
        return new ExpertsUsed(
                stats.expertsPerToken(),
                most,
                OptionFlags.lossy(engine.selection()),
                loss.isLimited() ? OptionalDouble.of(loss.estimatedKld()) : OptionalDouble.empty());
    }

    /// Returns this for a table.
    public String words() {
        return String.format(Locale.ROOT, "%.2f of at most %d per token and layer", perToken, most) + warning();
    }

    /// Returns what is to be added to a line of figures: nothing, unless the model was changed.
    public String warning() {
        return warning(lossy)
                + estimatedKld.stream()
                        .mapToObj(nats -> String.format(Locale.ROOT, ", about %.2g", nats))
                        .collect(Collectors.joining());
    }

    /// Returns what is to be added to a sentence about a result that these options made differ.
    public static String warning(Optional<String> lossy) {
        return lossy.map(options -> "; lossy: " + options).orElse("");
    }

    /// Returns this under the names that `--json` prints.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("experts_per_token", perToken);
        lossy.ifPresent(options -> fields.put("lossy", options));
        estimatedKld.ifPresent(nats -> fields.put("estimated_kl_divergence", nats));
        return fields;
    }
}
