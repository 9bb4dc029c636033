package io.moetier.lab.sweep;

import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.storage.cache.Policies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/// A part of a sweep that one thread does in one pass over a trace: some policies with one budget.
///
/// @param earlier traces that policies have learnt from before
/// @param census the trace whose most used experts the policy static keeps; nothing where no policy does
/// @param simulator of one thread
record SweepTask(
        TraceId trace,
        List<TraceId> earlier,
        Optional<TraceId> census,
        Simulator simulator,
        SweepSizes sizes,
        List<String> policies,
        SlotPlan plan) {
    /// Traces that can be learnt from before, at most.
    static final int MOST_EARLIER = 1 << 10;

    /// @throws IllegalArgumentException if its parts do not belong together
    SweepTask {
        earlier = List.copyOf(earlier);
        policies = List.copyOf(policies);
        if (simulator.threads() != 1 || earlier.size() > MOST_EARLIER) {
            throw new IllegalArgumentException(
                    "a task of " + simulator.threads() + " threads and " + earlier.size() + " earlier traces");
        }
        if (policies.isEmpty() || new HashSet<>(policies).size() < policies.size()) {
            throw new IllegalArgumentException("a task of policies " + policies);
        }
        for (String policy : policies) {
            boolean optimum = policy.equals(Contender.CLAIRVOYANT);
            if (!optimum && !Policies.isKnown(policy)) {
                throw new IllegalArgumentException("unknown policy '" + policy + "'");
            }
            if (!optimum && Policies.needsCensus(policy) && census.isEmpty()) {
                throw new IllegalArgumentException("the policy " + policy + " without a census");
            }
        }
        requireSlots(sizes, plan);
    }

    private static void requireSlots(SweepSizes sizes, SlotPlan plan) {
        long[] most = new long[sizes.sizes().numClasses()];
        sizes.sizes().classOfLayer().forEach(c -> most[c] += sizes.experts());
        List<Integer> slots = plan.slots();
        boolean known = slots.size() == most.length;
        for (int c = 0; known && c < most.length; c++) {
            known = slots.get(c) >= 1 && slots.get(c) <= most[c];
        }
        if (!known) {
            throw new IllegalArgumentException("slots " + slots + " where there are " + Arrays.toString(most)
                    + " experts in " + sizes.layers() + " layers");
        }
    }

    /// Returns all traces that are read for it.
    List<TraceId> traces() {
        List<TraceId> traces = new ArrayList<>(earlier);
        census.ifPresent(traces::add);
        traces.add(trace);
        return traces.stream().distinct().toList();
    }
}
