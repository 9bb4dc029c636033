package io.moetier.lab.plan;

import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.SlotPlan;

/// What is known of how a model chooses experts.
public sealed interface RoutingKnowledge permits TracedRouting, PriorRouting {
    /// What is expected of some slots.
    ///
    /// @param deviation by how much the hit rate may be another, as one standard deviation
    record Expectation(Outcome outcome, double deviation) {
        /// Returns the hit rate so many deviations above what is expected.
        double hitRateAt(double deviations) {
            return Math.clamp(outcome.hitRate() + deviations * deviation, 0, 1);
        }
    }

    /// Returns what the slots will find.
    Expectation expect(PlannedModel model, SlotPlan slots);

    /// Returns where it is known from, in words.
    String source();
}
