package io.moetier.lab.simulate;

import io.moetier.runtime.trace.TraceHeader;
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
    private final List<StepCounts> counts = new ArrayList<>(); // by size class, as the tiers
    private final List<StepCounts> decodeCounts = new ArrayList<>();
    private final int[] ids;
    private final float[] weights;

    /// @param onProcessor how many missing experts the processor computes, by size class and how many are missing
    Simulation(
            TraceHeader header,
            SlotPlan.Sizes sizes,
            Contender contender,
            SlotPlan plan,
            Admission admission,
            List<int[]> onProcessor) {
        this.contender = contender;
        this.plan = plan;
        classOfLayer = sizes.classOfLayer();
        ids = new int[header.experts()];
        weights = new float[header.experts()];
        for (int c = 0; c < sizes.numClasses(); c++) {
            int[] members = members(header, c);
            int numSlots = plan.slots().get(c);
            int[] ofClass = onProcessor.get(c);
            counts.add(new StepCounts(header.experts()));
            decodeCounts.add(new StepCounts(header.experts()));
            tiers.add(contender
                    .factory()
                    .map(factory -> tier(factory, members, numSlots, admission, ofClass))
                    .orElseGet(() -> new ClairvoyantTier(members, numSlots, ofClass)));
        }
    }

    void run(Decisions decisions) {
        for (int i = 0; i < decisions.size(); i++) {
            int n = decisions.copy(i, ids, weights);
            int c = classOfLayer.get(decisions.layer(i));
            SimulatedTier tier = tiers.get(c);
            int hits = tier.decide(ids, weights, decisions.weighted(i), n);
            if (decisions.counted(i)) {
                counts.get(c).add(hits, n - hits, tier.brought());
            }
            if (decisions.counted(i) && decisions.decoded(i)) {
                decodeCounts.get(c).add(hits, n - hits, tier.brought());
            }
        }
    }

    /// @param tokens that were counted
    /// @param decodeTokens those of them that were decoded one at a time
    Outcome outcome(long tokens, long decodeTokens) {
        return new Outcome(contender.name(), plan, tokens, counts, decodeTokens, decodeCounts);
    }

    private static SimulatedTier tier(
            PolicyFactory factory, int[] members, int numSlots, Admission admission, int[] onProcessor) {
        ExpertCache cache = new ExpertCache(members, numSlots, factory.create(members, numSlots));
        return switch (admission) {
            case LAYER -> new LayerTier(cache, onProcessor);
            case SEQUENTIAL -> new SequentialTier(cache);
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
