package io.moetier.cli.throughput;

import io.moetier.cli.models.ModelSummary;
import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.Tuning;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Parts;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.Phase;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What the simulator and the cost model of this machine would have said of the tokens that were generated, beside what
/// happened.
///
/// @param predicted seconds of a token, by part
/// @param measured the same, the mean of all points that generate
/// @param hitRate of the simulated cache
/// @param measuredHitRate the mean of the same points
record Expectation(
        Setting setting,
        Map<String, Double> predicted,
        Map<String, Double> measured,
        double hitRate,
        double measuredHitRate) {
    private static final String DENSE = "what every token needs";
    private static final String EXPERTS = "experts";
    /// Predicts for one setting; nothing where nothing was generated, or the policy needs more than a trace.
    ///
    /// @param trace of two rounds, the first of which fills the cache
    /// @param roundTokens tokens of one
    static Optional<Expectation> of(
            SettingResult result, ModelSummary model, MachineProfile machine, Path trace, long roundTokens) {
        List<Measured> generated = result.measured().stream()
                .filter(each -> each.of().phase() == Phase.DECODE)
                .toList();
        String policy = result.held().policy();
        if (generated.isEmpty() || Policies.needsCensus(policy)) {
            return Optional.empty();
        }
        ModelSizes sizes = model.sizes();
        Contender lru = new Contender("lru", Optional.of(Policies.of("lru")));
        try (TraceReader reader = TraceReader.open(trace)) {
            int[] slots = sizes.experts()
                    .budget(reader.header().experts(), reader.header().topK())
                    .slots(result.held().slotBytes());
            SlotPlan plan = new SlotPlan(
                    result.setting().budget(), Arrays.stream(slots).boxed().toList());
            Tuning.Question question = new Tuning.Question(
                    List.of(new Contender(policy, Optional.of(Policies.of(policy)))),
                    List.of(plan),
                    sizes,
                    Optional.of(machine),
                    Misses.COPY,
                    List.of());
            Tuning.Row row = Tuning.of(reader, new Simulator(Admission.LAYER, 1, roundTokens, 1), question, lru)
                    .rows()
                    .getFirst();
            return row.prediction()
                    .map(prediction -> new Expectation(
                            result.setting(),
                            predicted(prediction.parts(), 1 / prediction.tokensPerSecond()),
                            measured(generated),
                            row.hitRate(),
                            generated.stream()
                                    .mapToDouble(Measured::hitRate)
                                    .average()
                                    .orElse(0)));
        }
    }

    private static Map<String, Double> predicted(CostModel.Parts parts, double seconds) {
        Map<String, Double> predicted = new LinkedHashMap<>();
        predicted.put(DENSE, parts.dense());
        predicted.put(EXPERTS, parts.experts());
        predicted.put(Parts.WAITS, parts.waits());
        predicted.put(Parts.SAMPLING, Math.max(0, seconds - parts.dense() - parts.experts() - parts.waits()));
        return predicted;
    }

    private static Map<String, Double> measured(List<Measured> generated) {
        Map<String, Double> measured = new LinkedHashMap<>();
        for (String part : List.of(DENSE, EXPERTS, Parts.WAITS, Parts.SAMPLING)) {
            measured.put(part, 0.0);
        }
        for (Measured each : generated) {
            each.parts()
                    .byKind()
                    .forEach((kind, part) -> measured.merge(
                            measured.containsKey(kind) ? kind : DENSE, part.seconds() / generated.size(), Double::sum));
        }
        return measured;
    }

    double predictedSeconds() {
        return predicted.values().stream().mapToDouble(each -> each).sum();
    }

    double measuredSeconds() {
        return measured.values().stream().mapToDouble(each -> each).sum();
    }

    /// Returns how far apart the two are, as a share of what happened.
    double error() {
        return predictedSeconds() / measuredSeconds() - 1;
    }

    /// Says where the difference comes from.
    String sentence() {
        String part = predicted.keySet().stream()
                .max(Comparator.comparingDouble(each -> Math.abs(difference(each))))
                .orElseThrow();
        String more = error() > 0 ? "more" : "less";
        return String.format(
                Locale.ROOT,
                "With %s the cost model expects %.2f ms for a token, %.0f %% %s than the %.2f ms that it took: most of"
                        + " the difference is %s, %.2f ms instead of %.2f%s.",
                setting.label(),
                1e3 * predictedSeconds(),
                Math.abs(100 * error()),
                more,
                1e3 * measuredSeconds(),
                part,
                1e3 * predicted.getOrDefault(part, 0.0),
                1e3 * measured.getOrDefault(part, 0.0),
                part.equals(Parts.WAITS)
                        ? String.format(
                                Locale.ROOT,
                                " (simulated, %.0f %% of experts are found, and %.0f %% were)",
                                100 * hitRate,
                                100 * measuredHitRate)
                        : "");
    }

    private double difference(String part) {
        return predicted.getOrDefault(part, 0.0) - measured.getOrDefault(part, 0.0);
    }

    /// Returns the fields of a file.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("budget", setting.budget());
        fields.put("threads", setting.threads());
        fields.put("predicted_seconds", predicted);
        fields.put("measured_seconds", measured);
        fields.put("predicted_hit_rate", hitRate);
        fields.put("measured_hit_rate", measuredHitRate);
        return fields;
    }
}
