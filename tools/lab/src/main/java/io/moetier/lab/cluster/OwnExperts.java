package io.moetier.lab.cluster;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.CostModel.Work;
import io.moetier.lab.simulate.LayerTier;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// The experts that one machine owns: which are in its memory, and how long it computes.
///
/// In a text's order they are found by the cache and the policy that a run takes; where choices are drawn, as often as
/// priors say.
final class OwnExperts {
    private final ClusterModel model;
    private final List<Found> found = new ArrayList<>(); // by size class
    private final CostModel costs;
    private final double[][][] seconds; // by size class, hits and misses
    private int numExperts;
    private long bytes;

    /// Says how many of a layer's experts are in memory, ids ascending.
    private interface Found {
        int decide(int[] ids, float[] weights, boolean weighted, int n);
    }

    OwnExperts(ClusterModel model, Choices choices, Machine machine, Owners owners, int index) {
        this.model = model;
        List<List<Integer>> ids = ids(owners, index);
        int[] slots = slots(ids, machine.ramBytes());
        for (int c = 0; c < slots.length; c++) {
            found.add(found(ids.get(c), slots[c], choices, index));
            numExperts += ids.get(c).size();
            bytes += ids.get(c).size() * model.sizes().experts().slotBytes().get(c);
        }
        SlotPlan plan = new SlotPlan(machine.name(), IntStream.of(slots).boxed().toList());
        ModelSizes sizes = model.sizes();
        long dense = index == 0 ? sizes.denseBytes() : 0; // that are read in turn with the experts
        costs = new ModelSizes(sizes.experts(), sizes.known(), dense, sizes.traits())
                .costs(machine.speeds(), Misses.COPY, plan);
        seconds = new double[slots.length][model.topK() + 1][model.topK() + 1];
        for (int c = 0; c < slots.length; c++) {
            double expertBytes = sizes.experts().slotBytes().get(c);
            double beside = costs.seconds(new Work(0, expertBytes, 0, 0, 0));
            for (int hits = 0; hits <= model.topK(); hits++) {
                for (int misses = 0; misses <= model.topK() - hits; misses++) {
                    seconds[c][hits][misses] = costs.seconds(new Work(0, expertBytes, hits, misses, misses)) - beside;
                }
            }
        }
    }

    int numExperts() {
        return numExperts;
    }

    long bytes() {
        return bytes;
    }

    /// Takes what a layer chose of its experts; returns how many were in memory.
    int decide(int layer, int[] experts, float[] weights, boolean weighted, int n) {
        return found.get(model.sizeClass(layer)).decide(experts, weights, weighted, n);
    }

    /// Returns how long experts take.
    double seconds(int layer, int hits, int misses) {
        return seconds[model.sizeClass(layer)][hits][misses];
    }

    /// Returns what a layer takes beside its experts, where this machine drives.
    double drivingSeconds(int layer) {
        return costs.seconds(new Work(model.denseBytesOfLayer(), model.expertBytes(layer), 0, 0, 0));
    }

    /// Returns what a token takes beside its layers, where this machine drives.
    double tokenSeconds() {
        return costs.tokenSeconds();
    }

    private List<List<Integer>> ids(Owners owners, int index) {
        List<List<Integer>> ids = new ArrayList<>();
        for (int c = 0; c < model.sizes().experts().numClasses(); c++) {
            ids.add(new ArrayList<>());
        }
        for (int layer = 0; layer < model.layers(); layer++) {
            for (int expert = 0; expert < model.experts(); expert++) {
                if (owners.owns(index, layer, expert)) {
                    ids.get(model.sizeClass(layer)).add(ExpertId.pack(layer, expert));
                }
            }
        }
        return ids;
    }

    /// Returns the slots that memory has room for, as an engine divides it; it has those that it cannot do without.
    private int[] slots(List<List<Integer>> ids, long ramBytes) {
        int[] slots = new int[ids.size()];
        int[] classes = IntStream.range(0, slots.length)
                .filter(c -> !ids.get(c).isEmpty())
                .toArray();
        SlotBudget budget = new SlotBudget(
                IntStream.of(classes)
                        .mapToObj(c -> new SizeClassCount(
                                ids.get(c).size(),
                                model.sizes().experts().slotBytes().get(c)))
                        .toList(),
                model.topK());
        int[] divided = budget.slots(Math.max(budget.minimumBytes(), ramBytes));
        for (int i = 0; i < classes.length; i++) {
            slots[classes[i]] = divided[i];
        }
        return slots;
    }

    /// @param seed another one for each machine: they do not miss together
    private Found found(List<Integer> ids, int slots, Choices choices, int seed) {
        if (slots == ids.size()) {
            return (_, _, _, n) -> n;
        }
        if (choices.priors().isEmpty()) {
            int[] members = ids.stream().mapToInt(id -> id).toArray();
            String policy = Policies.nameByRoom(slots, members.length);
            ExpertCache cache =
                    new ExpertCache(members, slots, Policies.of(policy).create(members, slots));
            return new LayerTier(cache, new int[model.topK() + 1])::decide;
        }
        double share = (double) slots / ids.size();
        double rate =
                choices.priors().get().at(model.experts(), model.topK(), share).rate();
        SplittableRandom random = new SplittableRandom(seed);
        return (_, _, _, n) -> (int) Collections.nCopies(n, rate).stream()
                .filter(of -> random.nextDouble() < of)
                .count();
    }
}
