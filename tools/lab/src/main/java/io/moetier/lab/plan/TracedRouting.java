package io.moetier.lab.plan;

import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.MissDivision;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.session.PolicyChoice;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What the model did with another text, replayed.
public record TracedRouting(Path trace) implements RoutingKnowledge {
    private static final int WARM_UP_PART = 4; // of the trace, in which caches fill

    /// Texts differ; the traces of two tasks of one model differed by this.
    private static final double DEVIATION = 0.03;

    /// Requires a trace of this model, also where nothing will be expected of it since no speed is known.
    ///
    /// @throws MalformedModelException if it is that of another, or none
    public void requireTraceOf(PlannedModel model) {
        try (TraceReader reader = TraceReader.open(trace)) {
            require(reader.header(), model);
        }
    }

    @Override
    public Expectation expect(PlannedModel model, SlotPlan slots) {
        try (TraceReader reader = TraceReader.open(trace)) {
            TraceHeader header = reader.header();
            require(header, model);
            Simulator simulator = new Simulator(Admission.LAYER, 1, header.tokens() / WARM_UP_PART, 1);
            Outcome outcome = simulator
                    .run(
                            reader,
                            model.sizes().experts(),
                            MissDivision.BROUGHT_IN,
                            List.of(new Contender("auto", Optional.of(PolicyChoice.AUTO.factory(model.spec())))),
                            List.of(slots))
                    .getFirst();
            if (outcome.hits() + outcome.misses() == 0) {
                throw MalformedModelException.of(
                        trace, "steps", "one behind the first quarter of the tokens, in which caches fill", "none");
            }
            if (slots.numSlots() >= model.expertsOfToken()) { // also what the trace has not chosen before
                return new Expectation(PriorRouting.outcome(model, slots, 1), 0);
            }
            double hits = outcome.hitRate();
            return new Expectation(outcome, hits == 1 ? 0 : Math.min(DEVIATION, 1 - hits));
        }
    }

    @Override
    public String source() {
        return "the trace " + trace;
    }

    private void require(TraceHeader header, PlannedModel model) {
        int layers = model.spec().moeLayersOfToken().size();
        if (header.layers() != layers || header.experts() != model.experts() || header.topK() != model.topK()) {
            throw new MalformedModelException(trace + ": a trace of " + header.layers() + " layers of "
                    + header.experts() + " experts, top " + header.topK() + ", but the model has " + layers
                    + " layers of " + model.experts() + ", top " + model.topK());
        }
    }
}
