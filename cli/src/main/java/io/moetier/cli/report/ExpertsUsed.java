package io.moetier.cli.report;

import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.model.mixture.LossMeter;
import io.moetier.runtime.session.Engine;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// How many experts tokens were sent to, and whether that is what the model was trained for.
///
/// @param perToken in one layer, on average
/// @param most in one layer
/// @param lossy the options that made it differ from what the model was trained for
/// @param loss of all tokens that were generated, where that is limited
public record ExpertsUsed(double perToken, int most, Optional<String> lossy, Optional<Loss> loss) {
    /// What was left out within a limit.
    ///
    /// @param estimatedKld KL divergence from the whole model, in nats
    /// @param leftOut share of chosen experts
    /// @param copied share of chosen experts that copies in fewer bits stood for; nothing where there are none
    /// @param loadsSaved of both, those that were not in memory
    public record Loss(double estimatedKld, double leftOut, OptionalDouble copied, long loadsSaved) {
        /// Returns what was left out so far, where a limit was set.
        public static Optional<Loss> of(LossMeter meter) {
            return meter.isLimited()
                    ? Optional.of(new Loss(
                            meter.estimatedKld(),
                            meter.shareLeftOut(),
                            meter.hasCopies() ? OptionalDouble.of(meter.shareCopied()) : OptionalDouble.empty(),
                            meter.loadsSaved()))
                    : Optional.empty();
        }

        /// Returns this under the names that files have.
        public Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("estimated_kl_divergence", estimatedKld);
            fields.put("experts_left_out", leftOut);
            copied.ifPresent(share -> fields.put("experts_copied", share));
            fields.put("loads_saved", loadsSaved);
            return fields;
        }
    }

    public static ExpertsUsed of(Engine engine, RunStats stats) {
        return new ExpertsUsed(
                stats.expertsPerToken(),
                engine.spec().mostExpertsPerToken(),
                OptionFlags.lossy(engine.selection()),
                Loss.of(engine.loss()));
    }

    /// Returns this for a table.
    public String words() {
        return String.format(Locale.ROOT, "%.2f of at most %d per token and layer", perToken, most) + warning();
    }

    /// Returns what is to be added to a line of figures: nothing, unless the model was changed.
    public String warning() {
        return warning(lossy)
                + loss.map(of -> String.format(
                                Locale.ROOT,
                                ", about %.2g, %s saved",
                                of.estimatedKld(),
                                Plural.of(of.loadsSaved(), "load")))
                        .orElse("");
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
        loss.ifPresent(of -> fields.putAll(of.fields()));
        return fields;
    }
}
