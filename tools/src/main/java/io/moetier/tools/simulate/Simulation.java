package io.moetier.tools.simulate;

import io.moetier.engine.trace.TraceHeader;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// One policy with one budget. Confined to one thread at a time.
final class Simulation {
    private final Contender contender;
    private final SlotPlan plan;
    private final List<Integer> classOfLayer;
    private final List<SimulatedTier> tiers = new ArrayList<>();
    private final int[] ids;
    private final float[] weights;

    Simulation(TraceHeader header, SlotPlan.Sizes sizes, Contender contender, SlotPlan plan, Admission admission) {
        this.contender = contender;
        this.plan = plan;
        classOfLayer = sizes.classOfLayer();
        ids = new int[header.experts()];
        weights = new float[header.experts()];
        for (int c = 0; c < sizes.numClasses(); c++) {
            int[] members = members(header, c);
            int numSlots = plan.slots().get(c);
            tiers.add(contender
                    .factory()
                    .map(factory -> tier(factory, members, numSlots, header.experts(), admission))
                    .orElseGet(() -> new ClairvoyantTier(members, numSlots, header.experts())));
        }
    }

    void run(Decisions decisions) {
        for (int i = 0; i < decisions.size(); i++) {
            int n = decisions.copy(i, ids, weights);
            tiers.get(classOfLayer.get(decisions.layer(i))).decide(ids, weights, decisions.weighted(i), n);
        }
    }

    Outcome outcome(long tokens) {
        return new Outcome(
                contender.name(),
                plan,
                tokens,
                tiers.stream().map(SimulatedTier::counts).toList());
    }

    private static SimulatedTier tier(
            PolicyFactory factory, int[] members, int numSlots, int maxExperts, Admission admission) {
        ExpertCache cache = new ExpertCache(members, numSlots, factory.create(members, numSlots));
        return switch (admission) {
            case LAYER -> new LayerTier(cache, maxExperts);
            case SEQUENTIAL -> new SequentialTier(cache, maxExperts);
        };
    }

    private int[] members(TraceHeader header, int sizeClass) {
        return IntStream.range(0, header.layers())
                .filter(layer -> classOfLayer.get(layer) == sizeClass)
                .map(layer -> header.moeLayerIndices().get(layer))
                .flatMap(layer -> IntStream.range(0, header.experts()).map(expert -> ExpertId.pack(layer, expert)))
                .toArray();
    }
}
