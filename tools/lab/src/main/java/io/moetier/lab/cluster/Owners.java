package io.moetier.lab.cluster;

import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.placement.Placer;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.cluster.placement.PlacerInput.Capacity;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// Which machines compute which expert, the driver being number 0 and the nodes those behind it.
final class Owners {
    private final int[][][] owners; // [layer][expert], those of one, at least one

    private Owners(int[][][] owners) {
        this.owners = owners;
    }

    /// Returns the owners where the driver computes everything.
    static Owners alone(ClusterModel model) {
        return of(new int[model.layers()][model.experts()]);
    }

    /// Returns the owners where each expert has one, by layer and expert.
    static Owners of(int[][] only) {
        return new Owners(Arrays.stream(only)
                .map(layer -> Arrays.stream(layer)
                        .mapToObj(owner -> new int[] {owner})
                        .toArray(int[][]::new))
                .toArray(int[][][]::new));
    }

    /// Returns the owners that a driver would choose.
    ///
    /// @param used how often each expert was, by layer
    static Owners placed(ClusterModel model, long[][] used, Cluster cluster) {
        int[] ids = IntStream.range(0, model.layers() * model.experts())
                .map(i -> ExpertId.pack(i / model.experts(), i % model.experts()))
                .toArray();
        long[] bytes = IntStream.of(ids)
                .mapToLong(id -> model.expertBytes(ExpertId.layerOf(id)))
                .toArray();
        double[] sums = Arrays.stream(used)
                .mapToDouble(layer -> LongStream.of(layer).sum())
                .toArray();
        double[] uses = IntStream.of(ids)
                .mapToDouble(id -> used[ExpertId.layerOf(id)][ExpertId.expertOf(id)]
                        * model.topK()
                        / Math.max(1, sums[ExpertId.layerOf(id)]))
                .toArray();
        List<Capacity> members = new ArrayList<>();
        members.add(capacity("driver", cluster.driver(), 0, ids));
        for (Node node : cluster.nodes()) {
            double seconds = node.link().rowSeconds(model.rowBytes());
            members.add(capacity("node " + members.size(), node.machine(), seconds, ids));
        }
        int[] layers = IntStream.range(0, model.layers()).toArray();
        return of(Placer.place(new PlacerInput(ids, bytes, uses, members, Optional.empty())), layers, model.experts());
    }

    /// Returns the owners of a placement that is there. An expert that no layer has, where another has so many, is the
    /// driver's.
    ///
    /// @param layers of the placement, in their order
    static Owners of(Placement placement, int[] layers, int numExperts) {
        int[][][] owners = new int[layers.length][numExperts][];
        for (int layer = 0; layer < layers.length; layer++) {
            Arrays.fill(owners[layer], new int[] {Placement.DRIVER});
        }
        int[] indexOf = new int[layers.length == 0 ? 0 : layers[layers.length - 1] + 1];
        for (int layer = 0; layer < layers.length; layer++) {
            indexOf[layers[layer]] = layer;
        }
        for (int id : placement.ids()) {
            int layer = ExpertId.layerOf(id);
            int expert = ExpertId.expertOf(id);
            owners[indexOf[layer]][expert] = placement.owners(layer, expert);
        }
        return new Owners(owners);
    }

    private static Capacity capacity(String name, Machine machine, double roundTripSeconds, int[] ids) {
        double reading = Math.min(machine.memoryRate(), machine.diskRate());
        return new Capacity(name, machine.ramBytes(), machine.memoryRate(), reading, roundTripSeconds, ids);
    }

    /// Returns the machines that have an expert, the one that is asked first in front.
    int[] of(int layer, int expert) {
        return owners[layer][expert];
    }

    boolean owns(int machine, int layer, int expert) {
        return IntStream.of(of(layer, expert)).anyMatch(owner -> owner == machine);
    }
}
