package io.moetier.lab.cluster;

import java.util.List;
import java.util.stream.IntStream;

/// Gives each layer's experts, those that are used the most first, to the machine that is done with its own the
/// earliest: those for which some machine has memory to the fastest memories, the others to the fastest disks.
///
/// Each layer may take its part of a machine's memory, so that no layer waits for disks longer than the others.
public final class EvenShares implements Owners.Chooser {
    @Override
    public Owners choose(ClusterModel model, long[][] used, List<Machine> machines) {
        int[][] owners = new int[model.layers()][];
        double[] carried = new double[machines.size()]; // memory that the layers before left
        for (int layer = 0; layer < owners.length; layer++) {
            owners[layer] = new Shares(model, machines, layer, carried).of(used[layer]);
        }
        return Owners.of(machines.size(), owners);
    }

    /// One layer.
    private static final class Shares {
        private final List<Machine> machines;
        private final long bytes;
        private final double[] left; // bytes of memory, by machine
        private final double[] busy; // seconds for as many tokens as were counted, by machine

        Shares(ClusterModel model, List<Machine> machines, int layer, double[] carried) {
            this.machines = machines;
            bytes = model.expertBytes(layer);
            left = carried;
            busy = new double[machines.size()];
            double part = (double) model.experts() * bytes / model.allExpertBytes();
            for (int i = 0; i < left.length; i++) {
                left[i] += part * machines.get(i).ramBytes();
            }
        }

        int[] of(long[] used) {
            int[] owners = new int[used.length];
            IntStream.range(0, used.length)
                    .boxed()
                    .sorted((a, b) -> Long.compare(used[b], used[a]))
                    .forEach(expert -> owners[expert] = owner(used[expert] + 1)); // those that were not used may be
            return owners;
        }

        private int owner(long uses) {
            int best = 0;
            boolean fits = false;
            double earliest = Double.POSITIVE_INFINITY;
            for (int i = 0; i < machines.size(); i++) {
                boolean hasRoom = left[i] >= bytes;
                double done = busy[i] + seconds(i, uses, hasRoom);
                if (hasRoom && !fits || hasRoom == fits && done < earliest) {
                    best = i;
                    fits = hasRoom;
                    earliest = done;
                }
            }
            busy[best] = earliest;
            left[best] -= fits ? bytes : 0;
            return best;
        }

        private double seconds(int machine, long uses, boolean inMemory) {
            Machine of = machines.get(machine);
            return uses * (double) bytes / (inMemory ? of.memoryRate() : Math.min(of.memoryRate(), of.diskRate()));
        }
    }
}
