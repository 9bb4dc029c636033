package io.moetier.lab.plan;

import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.MissDivision;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Makes the curves of [HitPriors] out of traces: `PriorCurves priors.json TRACE…` writes them to the file.
public final class PriorCurves {
    private static final List<Double> SHARES =
            List.of(0.03125, 0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875);
    private static final String POLICY = "gate"; // what models run with that do not fit
    private static final int WARM_UP_PART = 4; // of a trace, in which caches fill
    private static final double DIGITS = 1e4;

    private PriorCurves() {}

    /// Writes the file.
    public static void main(String... args) throws IOException {
        if (args.length < 2) {
            throw new IllegalArgumentException("usage: PriorCurves FILE.json TRACE...");
        }
        List<Map<String, Object>> curves = Arrays.stream(args)
                .skip(1)
                .map(Path::of)
                .map(PriorCurves::fields)
                .toList();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("policy", POLICY);
        fields.put("made_by", PriorCurves.class.getName());
        fields.put("curves", curves);
        Files.writeString(Path.of(args[0]), Json.writePretty(fields) + "\n");
    }

    private static Map<String, Object> fields(Path trace) {
        HitPriors.Curve curve = of(trace);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("trace", curve.trace());
        fields.put("layers", curve.layers());
        fields.put("experts", curve.experts());
        fields.put("top_k", curve.topK());
        fields.put("shares", curve.shares());
        fields.put("hits", curve.hits());
        return fields;
    }

    /// Returns what the policy finds in a trace, of budgets that hold what one layer needs.
    static HitPriors.Curve of(Path trace) {
        try (TraceReader reader = TraceReader.open(trace)) {
            TraceHeader header = reader.header();
            SlotPlan.Sizes sizes = SlotPlan.Sizes.uniform(header.layers(), 1);
            List<SlotPlan> plans = new ArrayList<>();
            for (double share : SHARES) {
                int slots = (int) Math.round(share * header.layers() * header.experts());
                if (slots >= header.topK()) {
                    plans.add(new SlotPlan(String.valueOf(share), List.of(slots)));
                }
            }
            Simulator simulator = new Simulator(
                    Admission.LAYER,
                    1,
                    header.tokens() / WARM_UP_PART,
                    Runtime.getRuntime().availableProcessors());
            List<Outcome> outcomes = simulator.run(
                    reader,
                    sizes,
                    MissDivision.BROUGHT_IN,
                    List.of(new Contender(POLICY, Optional.of(Policies.of(POLICY)))),
                    plans);
            return new HitPriors.Curve(
                    header.model() + ", " + header.origin().workload(),
                    header.layers(),
                    header.experts(),
                    header.topK(),
                    plans.stream().map(plan -> Double.valueOf(plan.spelling())).toList(),
                    outcomes.stream()
                            .map(outcome -> Math.round(outcome.hitRate() * DIGITS) / DIGITS)
                            .toList());
        }
    }
}
