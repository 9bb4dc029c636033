package io.moetier.runtime.offload;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/// Divides experts over devices, for good: each has its home on one of them, and only that device computes it.
final class ExpertHomes {
    private ExpertHomes() {}

    /// Returns the experts of each device. Every layer's are dealt in turn, so that all devices work for every layer,
    /// each for a share in proportion to its room.
    ///
    /// @param room of each device for experts, in bytes
    /// @throws IllegalArgumentException if there are fewer experts of a size class than devices
    static int[][] divide(int[] ids, IntUnaryOperator sizeClassOf, long[] room) {
        int[] order = IntStream.of(ids).sorted().toArray();
        int[] homes = new int[order.length];
        double all = Arrays.stream(room).sum();
        double[] credit = new double[room.length];
        for (int i = 0; i < order.length; i++) {
            for (int device = 0; device < room.length; device++) {
                credit[device] += room[device] / all;
            }
            homes[i] = richest(credit);
            credit[homes[i]]--;
        }
        leaveNoneWithout(order, homes, sizeClassOf, room.length);
        int[][] divided = new int[room.length][];
        for (int device = 0; device < room.length; device++) {
            int home = device;
            divided[device] = IntStream.range(0, order.length)
                    .filter(i -> homes[i] == home)
                    .map(i -> order[i])
                    .toArray();
        }
        return divided;
    }

    private static int richest(double[] credit) {
        int richest = 0;
        for (int device = 1; device < credit.length; device++) {
            richest = credit[device] > credit[richest] ? device : richest;
        }
        return richest;
    }

    /// A tier has a slot of each size, so there must be an expert for it.
    private static void leaveNoneWithout(int[] order, int[] homes, IntUnaryOperator sizeClassOf, int devices) {
        int[] classes = IntStream.of(order).map(sizeClassOf).distinct().sorted().toArray();
        for (int sizeClass : classes) {
            int[] members = IntStream.range(0, order.length)
                    .filter(i -> sizeClassOf.applyAsInt(order[i]) == sizeClass)
                    .toArray();
            if (members.length < devices) {
                throw new InvalidOptionException(
                        "devices",
                        devices + " devices for " + members.length + " experts of one size, such as "
                                + ExpertId.unpack(order[members[0]]));
            }
            for (int device = 0; device < devices; device++) {
                int home = device;
                if (IntStream.of(members).noneMatch(i -> homes[i] == home)) {
                    homes[ofTheRichest(members, homes, devices)] = device;
                }
            }
        }
    }

    private static int ofTheRichest(int[] members, int[] homes, int devices) {
        double[] counts = new double[devices];
        IntStream.of(members).forEach(i -> counts[homes[i]]++);
        int richest = richest(counts);
        return IntStream.of(members)
                .filter(i -> homes[i] == richest)
                .findFirst()
                .orElseThrow();
    }
}
