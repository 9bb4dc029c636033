package io.moetier.cluster.placement;

import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// Random clusters and models to place.
final class Cases {
    private Cases() {}

    static PlacerInput.Capacity member(String name, long ramBytes, double bytesPerSecond, double roundTripSeconds) {
        return new PlacerInput.Capacity(
                name, ramBytes, bytesPerSecond, bytesPerSecond / 20, roundTripSeconds, new int[0]);
    }

    static PlacerInput input(double[][] uses, long bytes, List<PlacerInput.Capacity> members) {
        int[] ids = IntStream.range(0, uses.length)
                .flatMap(layer -> IntStream.range(0, uses[layer].length).map(expert -> ExpertId.pack(layer, expert)))
                .toArray();
        long[] sizes = new long[ids.length];
        Arrays.fill(sizes, bytes);
        double[] flat = Arrays.stream(uses).flatMapToDouble(Arrays::stream).toArray();
        return new PlacerInput(ids, sizes, flat, members, Optional.empty());
    }

    /// Uses as censuses show them: a few experts much more than others.
    static double[][] uses(SplittableRandom random, int numLayers, int numExperts, int perToken) {
        double[][] uses = new double[numLayers][numExperts];
        for (double[] layer : uses) {
            double sum = 0;
            for (int i = 0; i < layer.length; i++) {
                layer[i] = Math.exp(1.2 * random.nextGaussian());
                sum += layer[i];
            }
            for (int i = 0; i < layer.length; i++) {
                layer[i] *= perToken / sum;
            }
        }
        return uses;
    }

    static PlacerInput random(SplittableRandom random) {
        int numLayers = random.nextInt(1, 7);
        int numExperts = random.nextInt(1, 40);
        long bytes = 1 << 20;
        long all = bytes * numLayers * numExperts;
        List<PlacerInput.Capacity> members = new ArrayList<>();
        int numMembers = random.nextInt(1, 9);
        for (int i = 0; i < numMembers; i++) {
            members.add(member(random, i, all / numMembers, numLayers, numExperts));
        }
        double[][] uses = uses(random, numLayers, numExperts, 1 + numExperts / 8);
        if (random.nextInt(4) == 0) {
            for (double[] layer : uses) {
                Arrays.fill(layer, random.nextBoolean() ? 0 : 0.25);
            }
        }
        return input(uses, bytes, members);
    }

    static PlacerInput.Capacity member(
            SplittableRandom random, int number, long fairBytes, int numLayers, int numExperts) {
        int[] onDisk = IntStream.range(0, numLayers * numExperts)
                .filter(i -> random.nextInt(4) == 0)
                .map(i -> ExpertId.pack(i / numExperts, i % numExperts))
                .toArray();
        return new PlacerInput.Capacity(
                "member " + number,
                (long) (fairBytes * random.nextDouble(2.5)),
                random.nextDouble(2e9, 2e10),
                random.nextDouble(2e8, 2e9),
                number == 0 ? 0 : random.nextDouble(1e-5, 2e-3),
                onDisk);
    }

    static PlacerInput after(PlacerInput input, List<PlacerInput.Capacity> members, Placement previous) {
        return new PlacerInput(input.ids(), input.bytes(), input.uses(), members, Optional.of(previous));
    }
}
