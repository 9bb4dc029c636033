package io.moetier.lab.plan;

import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.StepCounts;
import java.util.ArrayList;
import java.util.List;

/// What models of that kind usually do.
public record PriorRouting(HitPriors priors) implements RoutingKnowledge {
    private static final long TOKENS = 100_000; // of the imagined text: shares of steps are whole numbers of them

    @Override
    public Expectation expect(PlannedModel model, SlotPlan slots) {
        double share = (double) slots.numSlots() / (double) model.expertsOfToken();
        HitPriors.Hits hits = priors.at(model.experts(), model.topK(), share);
        return new Expectation(outcome(model, slots, hits.rate()), hits.deviation());
    }

    /// Returns what is needed if every choice has a slot with the same chance.
    static Outcome outcome(PlannedModel model, SlotPlan slots, double hitRate) {
        List<StepCounts> counts = new ArrayList<>();
        List<Integer> classOfLayer = model.sizes().experts().classOfLayer();
        for (int c = 0; c < model.sizes().experts().numClasses(); c++) {
            int sizeClass = c;
            long layers = classOfLayer.stream().filter(of -> of == sizeClass).count();
            counts.add(StepCounts.ofChance(model.topK(), hitRate, layers * TOKENS));
        }
        return new Outcome("prior", slots, TOKENS, counts, TOKENS, counts);
    }

    @Override
    public String source() {
        return "what the default policy found in public traces of other models";
    }
}
