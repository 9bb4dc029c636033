package io.moetier.lab.cluster;

import io.moetier.cluster.placement.Link;
import io.moetier.lab.cluster.ClusterTime.Load;
import io.moetier.lab.cluster.ClusterTime.Steps;
import io.moetier.lab.cluster.Parts.Part;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Sends tokens through a cluster, layer by layer: the driver's part, then the experts of all machines at once. A node
/// takes its round trip, the row that goes there and those that come back, and what it computes and reads; all that
/// comes to the driver shares its link.
///
/// Confined to one thread, and used once.
final class Replay {
    private static final int NOBODY = -1;

    private final ClusterModel model;
    private final Choices choices;
    private final Cluster cluster;
    private final Owners owners;
    private final OwnExperts[] machines;
    private final int numOwning; // machines with experts
    private final double[] driving; // seconds that a layer takes beside its experts

    // One layer of one token.
    private final int[] experts;
    private final int[] ownerOf; // of each of them
    private final float[] weights;
    private final int[][] ids; // by machine, those of its own that are chosen
    private final float[][] idWeights;
    private final int[] numChosen; // by machine
    private final int[] hits; // by machine
    private final double[] busy; // by machine

    // Sums over all tokens that are timed.
    private final Map<Part, Double> parts = new EnumMap<>(Part.class);
    private final double[][] sums; // by machine: chosen, missing, busy
    private final double[] meanSeconds; // by layer
    private final double[] busiestSeconds; // by layer
    private double fixedSeconds;
    private double[] ownSeconds = new double[1 << 10];
    private double[] nodeSeconds = new double[1 << 10];
    private int numSteps;

    private Replay(ClusterModel model, Choices choices, Cluster cluster, Owners owners) {
        this.model = model;
        this.choices = choices;
        this.cluster = cluster;
        this.owners = owners;
        int count = cluster.machines().size();
        machines = new OwnExperts[count];
        Arrays.setAll(
                machines, i -> new OwnExperts(model, choices, cluster.machines().get(i), owners, i));
        numOwning = (int)
                Arrays.stream(machines).filter(each -> each.numExperts() > 0).count();
        driving = IntStream.range(0, model.layers())
                .mapToDouble(machines[0]::drivingSeconds)
                .toArray();
        experts = new int[model.topK()];
        ownerOf = new int[model.topK()];
        weights = new float[model.topK()];
        ids = new int[count][model.topK()];
        idWeights = new float[count][model.topK()];
        numChosen = new int[count];
        hits = new int[count];
        busy = new double[count];
        sums = new double[count][3];
        meanSeconds = new double[model.layers()];
        busiestSeconds = new double[model.layers()];
    }

    /// Returns how long a token takes.
    ///
    /// @throws IllegalArgumentException if the choices are those of another model
    static ClusterTime of(ClusterModel model, Choices choices, Cluster cluster, Owners owners) {
        boolean same = choices.layers() == model.layers() && choices.experts() == model.experts();
        if (!same || choices.topK() > model.topK()) {
            throw new IllegalArgumentException("choices in " + choices.layers() + " layers of " + choices.experts()
                    + " experts, top " + choices.topK() + ", but the model has " + model.layers() + " layers of "
                    + model.experts() + ", top " + model.topK());
        }
        Replay replay = new Replay(model, choices, cluster, owners);
        for (int token = 0; token < choices.tokens(); token++) {
            for (int layer = 0; layer < model.layers(); layer++) {
                replay.choose(token, layer);
                if (token >= choices.warmUpTokens()) {
                    replay.time(layer);
                }
            }
        }
        return replay.result();
    }

    private void choose(int token, int layer) {
        Arrays.fill(numChosen, 0);
        int n = choices.copy(token, layer, experts, weights);
        Arrays.fill(ownerOf, 0, n, NOBODY);
        for (int i = 0; i < n; i++) {
            int[] of = owners.of(layer, experts[i]);
            if (of.length == 1) {
                ask(of[0], i);
            }
        }
        for (int i = 0; i < n; i++) {
            if (ownerOf[i] == NOBODY) {
                ask(soonest(layer, owners.of(layer, experts[i])), i);
            }
        }
        Arrays.fill(numChosen, 0);
        for (int i = 0; i < n; i++) { // in the order of experts, as caches take them
            int owner = ownerOf[i];
            ids[owner][numChosen[owner]] = ExpertId.pack(layer, experts[i]);
            idWeights[owner][numChosen[owner]++] = weights[i];
        }
        for (int i = 0; i < machines.length; i++) {
            hits[i] = numChosen[i] == 0
                    ? 0
                    : machines[i].decide(layer, ids[i], idWeights[i], choices.weighted(), numChosen[i]);
        }
    }

    private void ask(int owner, int choice) {
        ownerOf[choice] = owner;
        numChosen[owner]++;
    }

    /// Returns the owner that would be through first with one expert more.
    private int soonest(int layer, int[] of) {
        int soonest = of[0];
        double least = Double.POSITIVE_INFINITY;
        for (int owner : of) {
            int count = numChosen[owner] + 1;
            double seconds = machines[owner].seconds(layer, count, 0);
            if (owner > 0) {
                Link link = cluster.nodes().get(owner - 1).link();
                seconds += link.roundTripSeconds() + (1.0 + count) * model.rowBytes() / link.bytesPerSecond();
            }
            if (seconds < least) {
                soonest = owner;
                least = seconds;
            }
        }
        return soonest;
    }

    private void time(int layer) {
        double busiest = 0;
        double sum = 0;
        for (int i = 0; i < machines.length; i++) {
            busy[i] = machines[i].seconds(layer, hits[i], numChosen[i] - hits[i]);
            busiest = Math.max(busiest, busy[i]);
            sum += busy[i];
            sums[i][0] += numChosen[i];
            sums[i][1] += numChosen[i] - hits[i];
            sums[i][2] += busy[i];
        }
        meanSeconds[layer] += sum / numOwning;
        busiestSeconds[layer] += busiest;
        add(Part.DRIVER, driving[layer]);
        fixedSeconds += driving[layer];
        Wait wait = new Wait();
        for (int i = 1; i < machines.length; i++) {
            if (numChosen[i] > 0) {
                wait.add(i);
            }
        }
        if (wait.last == 0) {
            fixedSeconds += busy[0];
        } else {
            addStep(busy[0], wait.secondsWithoutRoundTrips());
        }
        if (busy[0] >= wait.seconds()) {
            addWork(layer, 0, sum / numOwning);
        } else {
            add(Part.LINKS, wait.seconds() - busy[wait.last]);
            addWork(layer, wait.last, sum / numOwning);
        }
    }

    /// What the driver waits for nodes in a layer.
    private final class Wait {
        private int last; // machine that answers
        private double longest;
        private double longestOnSite; // without round trips
        private double first = Double.POSITIVE_INFINITY; // that could use the driver's link
        private double firstOnSite = Double.POSITIVE_INFINITY;
        private double sharing;

        void add(int machine) {
            Link link = cluster.nodes().get(machine - 1).link();
            double bytes = (1.0 + numChosen[machine]) * model.rowBytes();
            double onSite = bytes / link.bytesPerSecond() + busy[machine];
            double there = link.roundTripSeconds() + onSite;
            sharing += bytes / cluster.driverBytesPerSecond();
            first = Math.min(first, link.roundTripSeconds() + busy[machine]);
            firstOnSite = Math.min(firstOnSite, busy[machine]);
            longestOnSite = Math.max(longestOnSite, onSite);
            if (last == 0 || there > longest) {
                longest = there;
                last = machine;
            }
        }

        double seconds() {
            return last == 0 ? 0 : Math.max(longest, first + sharing);
        }

        double secondsWithoutRoundTrips() {
            return Math.max(longestOnSite, firstOnSite + sharing);
        }
    }

    /// Adds what the machine works that everybody waits for: as much as all do on average, and the rest.
    private void addWork(int layer, int machine, double mean) {
        double work = busy[machine];
        double even = Math.min(work, mean);
        double fromMemory = machines[machine].seconds(layer, numChosen[machine], 0);
        double share = work == 0 ? 0 : Math.max(0, work - fromMemory) / work;
        add(Part.IMBALANCE, work - even);
        add(Part.DISK, even * share);
        add(Part.EXPERTS, even * (1 - share));
    }

    private void addStep(double own, double node) {
        if (numSteps == ownSeconds.length) {
            ownSeconds = Arrays.copyOf(ownSeconds, 2 * numSteps);
            nodeSeconds = Arrays.copyOf(nodeSeconds, 2 * numSteps);
        }
        ownSeconds[numSteps] = own;
        nodeSeconds[numSteps++] = node;
    }

    private void add(Part part, double seconds) {
        parts.merge(part, seconds, Double::sum);
    }

    private ClusterTime result() {
        int tokens = choices.tokens() - choices.warmUpTokens();
        add(Part.DRIVER, tokens * machines[0].tokenSeconds());
        fixedSeconds += tokens * machines[0].tokenSeconds();
        parts.replaceAll((_, seconds) -> seconds / tokens);
        List<Load> loads = new ArrayList<>();
        for (int i = 0; i < machines.length; i++) {
            loads.add(new Load(
                    cluster.machines().get(i).name(),
                    machines[i].numExperts(),
                    machines[i].bytes(),
                    sums[i][0] / tokens,
                    sums[i][1] / tokens,
                    sums[i][2] / tokens));
        }
        List<Double> balance = new ArrayList<>();
        for (int layer = 0; layer < model.layers(); layer++) {
            balance.add(busiestSeconds[layer] == 0 ? 1 : meanSeconds[layer] / busiestSeconds[layer]);
        }
        return new ClusterTime(
                new Parts(parts),
                loads,
                balance,
                new Steps(
                        tokens,
                        fixedSeconds,
                        Arrays.copyOf(ownSeconds, numSteps),
                        Arrays.copyOf(nodeSeconds, numSteps)));
    }
}
