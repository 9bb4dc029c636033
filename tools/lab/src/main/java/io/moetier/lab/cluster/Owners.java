package io.moetier.lab.cluster;

import java.util.Arrays;
import java.util.List;

/// Which machine computes which expert.
///
/// @param machines how many there are
/// @param ofLayer by layer and expert: 0 the driver, then the nodes
public record Owners(int machines, List<List<Integer>> ofLayer) {
    public Owners {
        ofLayer = ofLayer.stream().map(List::copyOf).toList();
    }

    /// Returns the owners where the driver computes everything.
    static Owners alone(ClusterModel model) {
        return of(1, new int[model.layers()][model.experts()]);
    }

    static Owners of(int machines, int[][] ofLayer) {
        return new Owners(
                machines,
                Arrays.stream(ofLayer)
                        .map(layer -> Arrays.stream(layer).boxed().toList())
                        .toList());
    }

    /// Returns how many experts of a layer a machine owns.
    int count(int layer, int machine) {
        return (int)
                ofLayer.get(layer).stream().filter(owner -> owner == machine).count();
    }

    /// Decides who owns what.
    @FunctionalInterface
    public interface Chooser {
        /// Returns the owners.
        ///
        /// @param used how often each expert was, by layer
        /// @param machines the driver first
        Owners choose(ClusterModel model, long[][] used, List<Machine> machines);
    }
}
