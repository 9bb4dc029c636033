package io.moetier.lab.simulate;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.CostModel.Bound;
import io.moetier.lab.cost.CostModel.Parts;
import io.moetier.lab.cost.CostModel.Work;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// How fast a machine would have computed the tokens of a trace.
///
/// @param bound what took the most time
/// @param parts of the time of one token, in all layers
public record Prediction(double tokensPerSecond, Bound bound, Parts parts) {
    /// Adds up the cost of every step of an outcome after the prompts; of every step where there is none.
    ///
    /// @param denseBytes bytes of all weights outside the experts, 0 to leave them out
    public static Prediction of(Outcome outcome, SlotPlan.Sizes sizes, CostModel model, long denseBytes) {
        boolean decoded = outcome.decodeTokens() > 0;
        List<StepCounts> all = decoded ? outcome.decodeCounts() : outcome.counts();
        long tokens = decoded ? outcome.decodeTokens() : outcome.tokens();
        double denseOfLayer = (double) denseBytes / sizes.classOfLayer().size();
        Map<Bound, Double> secondsOf = new EnumMap<>(Bound.class);
        Parts parts = Parts.NONE;
        double sum = tokens * model.tokenSeconds();
        for (int c = 0; c < sizes.numClasses(); c++) {
            StepCounts counts = all.get(c);
            for (int misses = 0; misses <= counts.maxMisses(); misses++) {
                if (counts.steps(misses) > 0) {
                    Work work = new Work(
                            denseOfLayer,
                            sizes.slotBytes().get(c),
                            counts.meanHits(misses),
                            misses,
                            counts.meanBrought(misses));
                    double seconds = counts.steps(misses) * model.seconds(work);
                    secondsOf.merge(model.bound(work), seconds, Double::sum);
                    parts = parts.plus(model.parts(work).times((double) counts.steps(misses)));
                    sum += seconds;
                }
            }
        }
        return new Prediction(
                sum == 0 ? 0 : tokens / sum, longest(secondsOf), parts.times(tokens == 0 ? 0 : 1.0 / tokens));
    }

    private static Bound longest(Map<Bound, Double> secondsOf) {
        return secondsOf.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey)
                .orElse(Bound.MEMORY);
    }
}
