package io.moetier.cluster.placement;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/// A placement that is being made: who is asked first for each expert, the room that is left, and the time that each
/// member is expected to take in each layer. A buffer, copied where it is a trial.
final class Plan {
    static final int NOBODY = -1;

    final int numMembers;
    final int[] first; // [experts]: who is asked first, or nobody yet
    final boolean[] cold; // [experts]
    final long[] room; // [members], bytes of memory
    private final PlacerInput input;
    private final double[] secondsPerByte; // [members]
    private final double[] secondsPerByteRead;
    private final double[] roundTrips;
    private final double[] work; // [experts], bytes expected in a step
    private final int[] layerOf; // [experts], counted from 0 without gaps
    private final int[] layerStarts; // [layers + 1], the first expert of each
    private final double[][] seconds; // [layers][members]

    Plan(PlacerInput input) {
        this.input = input;
        numMembers = input.members().size();
        int numExperts = input.ids().length;
        first = new int[numExperts];
        Arrays.fill(first, NOBODY);
        cold = new boolean[numExperts];
        room = input.members().stream()
                .mapToLong(PlacerInput.Capacity::ramBytes)
                .toArray();
        layerOf = new int[numExperts];
        int[] starts = new int[numExperts + 1];
        int layers = 0;
        for (int i = 0; i < numExperts; i++) {
            if (i == 0 || ExpertId.layerOf(input.ids()[i]) != ExpertId.layerOf(input.ids()[i - 1])) {
                starts[layers++] = i;
            }
            layerOf[i] = layers - 1;
        }
        starts[layers] = numExperts;
        layerStarts = Arrays.copyOf(starts, layers + 1);
        secondsPerByte = ofMembers(member -> 1 / member.bytesPerSecond());
        secondsPerByteRead = ofMembers(member -> 1 / member.readBytesPerSecond());
        roundTrips = ofMembers(PlacerInput.Capacity::roundTripSeconds);
        work = work(input, layers);
        seconds = new double[layers][numMembers];
    }

    private Plan(Plan other) {
        input = other.input;
        numMembers = other.numMembers;
        first = other.first.clone();
        cold = other.cold.clone();
        room = other.room.clone();
        secondsPerByte = other.secondsPerByte;
        secondsPerByteRead = other.secondsPerByteRead;
        roundTrips = other.roundTrips;
        work = other.work;
        layerOf = other.layerOf;
        layerStarts = other.layerStarts;
        seconds = Arrays.stream(other.seconds).map(double[]::clone).toArray(double[][]::new);
    }

    /// An expert that was never chosen counts as a hundredth of a mean one, so that these do not all go to one member.
    private double[] work(PlacerInput in, int layers) {
        double[] sums = new double[layers];
        for (int i = 0; i < in.ids().length; i++) {
            sums[layerOf[i]] += in.uses()[i];
        }
        double[] result = new double[in.ids().length];
        for (int i = 0; i < result.length; i++) {
            int layer = layerOf[i];
            double mean = sums[layer] / (layerStarts[layer + 1] - layerStarts[layer]);
            result[i] = Math.max(in.uses()[i], mean > 0 ? mean / 100 : 1) * in.bytes()[i];
        }
        return result;
    }

    private double[] ofMembers(ToDoubleFunction<PlacerInput.Capacity> number) {
        return input.members().stream().mapToDouble(number).toArray();
    }

    Plan copy() {
        return new Plan(this);
    }

    int numExperts() {
        return first.length;
    }

    int numLayers() {
        return seconds.length;
    }

    int layerOf(int expert) {
        return layerOf[expert];
    }

    int layerStart(int layer) {
        return layerStarts[layer];
    }

    int layerEnd(int layer) {
        return layerStarts[layer + 1];
    }

    long bytes(int expert) {
        return input.bytes()[expert];
    }

    /// Returns the bytes of an expert that a step is expected to use.
    double work(int expert) {
        return work[expert];
    }

    boolean hasRoom(int expert, int member) {
        return room[member] >= bytes(expert);
    }

    /// Says whether a member could read an expert from its disk.
    boolean hasOnDisk(int expert, int member) {
        return member == Placement.DRIVER
                || Arrays.binarySearch(input.members().get(member).onDisk(), input.ids()[expert]) >= 0;
    }

    /// Returns the seconds that an expert is expected to add to what a member does in a step.
    double seconds(int expert, int member, boolean isCold) {
        return work[expert] * secondsPerByte(member, isCold);
    }

    private double secondsPerByte(int member, boolean isCold) {
        return isCold ? secondsPerByteRead[member] : secondsPerByte[member];
    }

    double roundTrip(int member) {
        return roundTrips[member];
    }

    /// Returns when a member would be through with a layer if it had so much more to do.
    double finish(int layer, int member, double more) {
        double all = seconds[layer][member] + more;
        return all > 1e-15 ? roundTrip(member) + all : 0; // sums and differences leave something behind
    }

    /// Returns when the last member is through with a layer.
    double layerSeconds(int layer) {
        double slowest = 0;
        for (int member = 0; member < numMembers; member++) {
            slowest = Math.max(slowest, finish(layer, member, 0));
        }
        return slowest;
    }

    double stepSeconds() {
        double sum = 0;
        for (int layer = 0; layer < numLayers(); layer++) {
            sum += layerSeconds(layer);
        }
        return sum;
    }

    void assign(int expert, int member, boolean isCold) {
        first[expert] = member;
        cold[expert] = isCold;
        seconds[layerOf[expert]][member] += seconds(expert, member, isCold);
        if (!isCold) {
            room[member] -= bytes(expert);
        }
    }

    void take(int expert) {
        int member = first[expert];
        seconds[layerOf[expert]][member] -= seconds(expert, member, cold[expert]);
        if (!cold[expert]) {
            room[member] += bytes(expert);
        }
        first[expert] = NOBODY;
        cold[expert] = false;
    }

    List<String> names() {
        return input.members().stream().map(PlacerInput.Capacity::name).toList();
    }
}
