package io.moetier.lab.simulate;

import io.moetier.runtime.offload.LearntBytes;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.ExpertId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// One policy with one budget. Confined to one thread at a time.
final class Simulation {
    private final TraceHeader header;
    private final SlotPlan.Sizes sizes;
    private final Admission admission;
    private final List<int[]> onProcessor;
    private final Contender contender;
    private final SlotPlan plan;
    private final List<Integer> classOfLayer;
    private final List<SimulatedTier> tiers = new ArrayList<>();
    private final List<UseEstimator> learners = new ArrayList<>(); // that the tiers' policies go by, if they do
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
        this.header = header;
        this.sizes = sizes;
        this.contender = contender;
        this.plan = plan;
        this.admission = admission;
        this.onProcessor = onProcessor;
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
                    .map(factory -> tier(factory, members, numSlots, ofClass))
                    .orElseGet(() -> new ClairvoyantTier(members, numSlots, ofClass)));
        }
    }

    /// Returns one with empty caches, whose policies have learnt what those of this one have.
    Simulation next() {
        Simulation next = new Simulation(header, sizes, contender, plan, admission, onProcessor);
        for (int i = 0; i < learners.size(); i++) {
            ByteBuffer kept =
                    ByteBuffer.allocate(Math.toIntExact(learners.get(i).keptBytes()));
            LearntBytes.keep(learners.get(i), kept);
            LearntBytes.takeUp(next.learners.get(i), kept.flip());
        }
        return next;
    }

    /// Says whether anything is learnt.
    boolean learns() {
        return !learners.isEmpty();
    }

    void run(Decisions decisions) {
        for (int i = 0; i < decisions.size(); i++) {
            int n = decisions.copy(i, ids, weights);
            int c = classOfLayer.get(decisions.layer(i));
            SimulatedTier tier = tiers.get(c);
            if (!decisions.counted(i)) {
                tier.warmUp(ids, weights, decisions.weighted(i), n);
                continue;
            }
            int hits = tier.decide(ids, weights, decisions.weighted(i), n);
            counts.get(c).add(hits, n - hits, tier.brought());
            if (decisions.decoded(i)) {
                decodeCounts.get(c).add(hits, n - hits, tier.brought());
            }
        }
    }

    /// @param tokens that were counted
    /// @param decodeTokens those of them that were decoded one at a time
    Outcome outcome(long tokens, long decodeTokens) {
        return new Outcome(contender.name(), plan, tokens, counts, decodeTokens, decodeCounts);
    }

    private SimulatedTier tier(PolicyFactory factory, int[] members, int numSlots, int[] ofClass) {
        ExpertCache cache = new ExpertCache(members, numSlots, factory.create(members, numSlots));
        cache.learner().ifPresent(learners::add);
        return switch (admission) {
            case LAYER -> new LayerTier(cache, ofClass);
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
