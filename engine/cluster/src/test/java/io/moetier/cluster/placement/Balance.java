package io.moetier.cluster.placement;

import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// How evenly a placement is expected to load its members.
///
/// @param layers in their order
record Balance(List<Layer> layers) {
    /// Of an expert with several owners, each is asked in turn for so many parts.
    private static final int PARTS = 8;

    Balance {
        layers = List.copyOf(layers);
    }

    /// What is expected of a layer.
    ///
    /// @param layer its number in the model
    /// @param shares of each member in the bytes of experts that a step uses; they add up to 1
    /// @param seconds until the last member is through
    /// @param slowestToMean how much longer that one takes than members that do anything take in the mean
    @SuppressWarnings("ArrayRecordComponent") // nobody compares two
    record Layer(int layer, double[] shares, double seconds, double slowestToMean) {}

    /// Works out what is expected of a placement if of several owners the one is asked that would be through first. A
    /// driver goes by what nodes took lately instead, and asks itself where it is the first owner, and only there.
    ///
    /// @throws IllegalArgumentException if it places other experts or has other members
    static Balance of(PlacerInput input, Placement placement) {
        Plan plan = new Plan(input);
        if (!Arrays.equals(input.ids(), placement.ids()) || !plan.names().equals(placement.members())) {
            throw new IllegalArgumentException(placement + " is not one of these experts and members");
        }
        List<Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < plan.numLayers(); layer++) {
            layers.add(of(plan, placement, layer));
        }
        return new Balance(layers);
    }

    /// Returns the seconds that a step is expected to take in all layers.
    double stepSeconds() {
        return layers.stream().mapToDouble(Layer::seconds).sum();
    }

    /// Returns how much longer the slowest members take than all in the mean, in the mean of the layers.
    double slowestToMean() {
        return layers.stream().mapToDouble(Layer::slowestToMean).average().orElse(1);
    }

    private static Layer of(Plan plan, Placement placement, int layer) {
        double[] seconds = new double[plan.numMembers];
        double[] shares = new double[plan.numMembers];
        double all = IntStream.range(plan.layerStart(layer), plan.layerEnd(layer))
                .mapToDouble(plan::work)
                .sum();
        List<Integer> experts = IntStream.range(plan.layerStart(layer), plan.layerEnd(layer))
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> placement.ownersAt(i).length > 1)
                        .thenComparingDouble(i -> -plan.work(i)))
                .toList();
        for (int expert : experts) {
            int[] owners = placement.ownersAt(expert);
            int parts = owners.length == 1 ? 1 : PARTS;
            for (int part = 0; part < parts; part++) {
                int owner = soonest(plan, seconds, owners);
                seconds[owner] += plan.seconds(expert, owner, placement.isColdAt(expert)) / parts;
                shares[owner] += plan.work(expert) / parts / all;
            }
        }
        double slowest = 0;
        double sum = 0;
        int busy = 0;
        for (int member = 0; member < seconds.length; member++) {
            if (seconds[member] > 0) {
                double finish = plan.roundTrip(member) + seconds[member];
                slowest = Math.max(slowest, finish);
                sum += finish;
                busy++;
            }
        }
        int number = ExpertId.layerOf(placement.id(plan.layerStart(layer)));
        return new Layer(number, shares, slowest, slowest * busy / sum);
    }

    private static int soonest(Plan plan, double[] seconds, int[] owners) {
        int best = owners[0];
        for (int owner : owners) {
            if (plan.roundTrip(owner) + seconds[owner] < plan.roundTrip(best) + seconds[best]) {
                best = owner;
            }
        }
        return best;
    }
}
