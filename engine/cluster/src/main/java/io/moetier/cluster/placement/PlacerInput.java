package io.moetier.cluster.placement;

import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.ExpertId;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntToDoubleFunction;

/// What experts are placed by.
///
/// @param ids of all experts, packed, ascending
/// @param bytes of each of them
/// @param uses of each of them in a token, expected
/// @param members the driver first
/// @param previous what is in force, from which no more changes than is worth it
@SuppressWarnings("ArrayRecordComponent") // nobody compares two
public record PlacerInput(
        int[] ids, long[] bytes, double[] uses, List<Capacity> members, Optional<Placement> previous) {
    /// @throws IllegalArgumentException if there are no members, what is said of them is no number, or what is in force
    ///     is of other experts
    public PlacerInput {
        members = List.copyOf(members);
        requireMembers(members);
        if (bytes.length != ids.length || uses.length != ids.length) {
            throw new IllegalArgumentException("bytes and uses of each expert are needed");
        }
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || (i > 0 && ids[i] <= ids[i - 1]) || bytes[i] < 1 || !(uses[i] >= 0 && uses[i] < 1e9)) {
                throw new IllegalArgumentException(
                        "no expert to place: id " + ids[i] + ", " + bytes[i] + " bytes, used " + uses[i] + " times");
            }
        }
        if (previous.isPresent() && !Arrays.equals(ids, previous.get().ids())) {
            throw new IllegalArgumentException("the placement in force is one of other experts");
        }
    }

    /// Requires that experts can be placed on some members.
    ///
    /// @throws IllegalArgumentException if there are none or too many, or names that nothing tells apart
    public static void requireMembers(List<Capacity> members) {
        if (members.isEmpty() || members.size() > Placement.MOST_MEMBERS) {
            throw new IllegalArgumentException(
                    "expected from 1 to " + Placement.MOST_MEMBERS + " members, found " + members.size());
        }
        Set<String> names = new HashSet<>();
        for (Capacity member : members) {
            if (!names.add(member.name())) {
                throw new IllegalArgumentException("two members have one name: \"" + member.name() + "\"");
            }
        }
    }

    /// What a member can hold and do.
    ///
    /// @param name what tells it from others, also in placements before
    /// @param ramBytes for experts
    /// @param bytesPerSecond of experts' weights that it computes from memory
    /// @param readBytesPerSecond of experts that it reads from its disk
    /// @param roundTripSeconds of a request and its reply, 0 of the driver
    /// @param onDisk the packed ids of what it has on its disk, ascending; of the driver, that is everything
    @SuppressWarnings("ArrayRecordComponent") // nobody compares two
    public record Capacity(
            String name,
            long ramBytes,
            double bytesPerSecond,
            double readBytesPerSecond,
            double roundTripSeconds,
            int[] onDisk) {
        /// @throws IllegalArgumentException if a number is not one, or the name is too long
        public Capacity {
            if (ramBytes < 0 || !(bytesPerSecond > 0) || !(readBytesPerSecond > 0) || !(roundTripSeconds >= 0)) {
                throw new IllegalArgumentException("no member: " + name + " with " + ramBytes + " bytes, "
                        + bytesPerSecond + " and " + readBytesPerSecond + " bytes/s, " + roundTripSeconds + " s away");
            }
            if (name.getBytes(StandardCharsets.UTF_8).length > PlacementForm.MOST_NAME_BYTES) {
                throw new IllegalArgumentException(
                        "the name of a member has more than " + PlacementForm.MOST_NAME_BYTES + " bytes: " + name);
            }
        }
    }

    /// Returns what experts of a store are placed by.
    ///
    /// @param uses of an expert in a token, by packed id
    public static PlacerInput of(
            StoreManifest manifest, IntToDoubleFunction uses, List<Capacity> members, Optional<Placement> previous) {
        List<StoreManifest.Entry> experts = manifest.experts();
        return new PlacerInput(
                ids(manifest),
                experts.stream()
                        .mapToLong(entry -> manifest.sizeClasses()
                                .get(entry.sizeClass())
                                .layout()
                                .slotBytes())
                        .toArray(),
                experts.stream()
                        .mapToDouble(entry -> uses.applyAsDouble(entry.id().pack()))
                        .toArray(),
                members,
                previous);
    }

    /// Returns the packed ids of all experts of a store, ascending.
    public static int[] ids(StoreManifest manifest) {
        return manifest.experts().stream().mapToInt(entry -> entry.id().pack()).toArray();
    }

    /// Returns what stands for the uses of a model that nobody has counted: all experts of a layer equal.
    ///
    /// @param expertsPerToken that a token chooses in a layer
    public static IntToDoubleFunction equalUses(StoreManifest manifest, int expertsPerToken) {
        Map<Integer, Integer> numExperts = new HashMap<>();
        manifest.experts().forEach(entry -> numExperts.merge(entry.id().layer(), 1, Integer::sum));
        return id -> (double) expertsPerToken / numExperts.getOrDefault(ExpertId.layerOf(id), 1);
    }
}
