package io.moetier.cluster.placement;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/// Which members compute each expert of a model, the one first that is asked first. Immutable.
///
/// Members are numbered in the order of [#members()]; the driver is number 0.
public final class Placement {
    /// The driver's number.
    public static final int DRIVER = 0;

    static final int MOST_MEMBERS = 1 << 10;
    /// More copies of one expert than these are of no use to anybody.
    static final int MOST_OWNERS = 4;

    private final long version;
    private final List<String> members;
    private final int[] ids;
    private final int[][] owners; // [index of id]
    private final BitSet cold; // by index of id
    private final int[] starts; // the index of each layer's first id, and how many there are

    /// @param ids packed, ascending
    /// @param owners of each of them, at least one
    /// @param cold which of them no owner has room for in memory, by their index in `ids`
    /// @throws IllegalArgumentException if this is no placement
    Placement(long version, List<String> members, int[] ids, int[][] owners, BitSet cold) {
        this.version = version;
        this.members = List.copyOf(members);
        this.ids = ids.clone();
        this.owners = owners.clone();
        this.cold = (BitSet) cold.clone();
        require(!members.isEmpty() && members.size() <= MOST_MEMBERS, "from 1 to " + MOST_MEMBERS + " members");
        require(new HashSet<>(members).size() == members.size(), "each member once");
        require(owners.length == ids.length && cold.length() <= ids.length, "owners of each expert");
        for (int i = 0; i < ids.length; i++) {
            require(ids[i] >= 0 && (i == 0 || ids[i] > ids[i - 1]), "ascending experts");
            requireOwners(owners[i]);
        }
        starts = starts(ids);
    }

    private void requireOwners(int[] of) {
        require(of.length >= 1 && of.length <= MOST_OWNERS, "from 1 to " + MOST_OWNERS + " owners");
        for (int i = 0; i < of.length; i++) {
            require(of[i] >= 0 && of[i] < members.size(), "owners that are members");
            for (int j = 0; j < i; j++) {
                require(of[j] != of[i], "each owner once");
            }
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException("a placement needs " + what);
        }
    }

    private static int[] starts(int[] ids) {
        int[] starts = new int[ids.length == 0 ? 1 : ExpertId.layerOf(ids[ids.length - 1]) + 2];
        for (int id : ids) {
            starts[ExpertId.layerOf(id) + 1]++;
        }
        for (int layer = 1; layer < starts.length; layer++) {
            starts[layer] += starts[layer - 1];
        }
        return starts;
    }

    /// Reads what [#bytes()] wrote, which may come from another machine.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is something else
    public static Placement parse(byte[] bytes) {
        return PlacementForm.parse(bytes);
    }

    /// Returns the form in which members tell each other.
    public byte[] bytes() {
        return PlacementForm.bytes(this);
    }

    /// Returns a number that grows with every placement of a model.
    long version() {
        return version;
    }

    /// Returns what the members are called, the driver first.
    public List<String> members() {
        return members;
    }

    /// Returns the packed ids of all experts, ascending.
    public int[] ids() {
        return ids.clone();
    }

    /// Returns how many members compute an expert, at least one.
    ///
    /// @throws IllegalArgumentException if there is no such expert
    public int numOwners(int layer, int expert) {
        return owners[find(layer, expert)].length;
    }

    /// Returns the number of the member that is asked first for an expert, second, and so on.
    public int owner(int layer, int expert, int nth) {
        return owners[find(layer, expert)][nth];
    }

    /// Returns the members that compute an expert.
    public int[] owners(int layer, int expert) {
        return owners[find(layer, expert)].clone();
    }

    /// Returns the packed ids of what a member is to have, the most valuable first: what is asked of it first, by use,
    /// then copies of what others are asked for first.
    ///
    /// @param uses of an expert in a token, by packed id
    public int[] assignment(int member, IntToDoubleFunction uses) {
        return IntStream.range(0, ids.length)
                .filter(i -> Arrays.stream(owners[i]).anyMatch(owner -> owner == member))
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> owners[i][0] != member)
                        .thenComparing(i -> cold.get(i))
                        .thenComparingDouble(i -> -uses.applyAsDouble(ids[i])))
                .mapToInt(i -> ids[i])
                .toArray();
    }

    int numExperts() {
        return ids.length;
    }

    int id(int index) {
        return ids[index];
    }

    int[] ownersAt(int index) {
        return owners[index];
    }

    /// Says whether no member had room for the expert in its memory, so that its owner reads it from a disk.
    boolean isColdAt(int index) {
        return cold.get(index);
    }

    /// Returns the index of an expert among all.
    ///
    /// @throws IllegalArgumentException if there is no such expert
    int find(int layer, int expert) {
        if (layer < starts.length - 1) {
            int id = ExpertId.pack(layer, expert);
            int near = starts[layer] + expert; // where it is unless the layer leaves some out
            int index = near < ids.length && ids[near] == id
                    ? near
                    : Arrays.binarySearch(ids, starts[layer], starts[layer + 1], id);
            if (index >= 0) {
                return index;
            }
        }
        throw new IllegalArgumentException("nobody was asked to compute layer " + layer + " expert " + expert);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Placement that
                && version == that.version
                && members.equals(that.members)
                && Arrays.equals(ids, that.ids)
                && Arrays.deepEquals(owners, that.owners)
                && cold.equals(that.cold);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(new int[] {Long.hashCode(version), members.hashCode(), Arrays.deepHashCode(owners)});
    }

    @Override
    public String toString() {
        return "placement " + version + ": " + ids.length + " experts on " + members.size() + " members";
    }
}
