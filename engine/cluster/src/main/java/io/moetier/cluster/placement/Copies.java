package io.moetier.cluster.placement;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/// Fills what memory a plan leaves with copies: those that were there before, then of the expert whose owners do most,
/// with the member that would be through first.
final class Copies {
    private final PlacerInput input;
    private final Plan plan;
    private final int[][] owners; // [experts]
    private final double[][] seconds; // [layers][members], each owner doing an equal part

    Copies(PlacerInput input, Plan plan, List<Integer> byUse) {
        this.input = input;
        this.plan = plan;
        owners = new int[plan.numExperts()][];
        seconds = new double[plan.numLayers()][plan.numMembers];
        for (int i = 0; i < owners.length; i++) {
            owners[i] = new int[] {plan.first[i]};
            seconds[plan.layerOf(i)][plan.first[i]] += plan.seconds(i, plan.first[i], plan.cold[i]);
        }
        input.previous().ifPresent(before -> keep(before, byUse));
        addAll();
    }

    int[][] owners() {
        return owners;
    }

    private void keep(Placement before, List<Integer> byUse) {
        Map<String, Integer> numbers = new HashMap<>();
        input.members().forEach(member -> numbers.put(member.name(), numbers.size()));
        for (int expert : byUse) {
            if (before.isColdAt(expert)) {
                continue;
            }
            for (int owner : before.ownersAt(expert)) {
                int member = numbers.getOrDefault(before.members().get(owner), Plan.NOBODY);
                if (member != Plan.NOBODY && canTake(expert, member)) {
                    add(expert, member);
                }
            }
        }
    }

    private void addAll() {
        double[] parts = new double[owners.length];
        PriorityQueue<Integer> busiest = new PriorityQueue<>(
                Comparator.comparingDouble((Integer i) -> -parts[i]).thenComparing(i -> i));
        for (int i = 0; i < owners.length; i++) {
            parts[i] = plan.work(i) / owners[i].length;
            busiest.add(i);
        }
        for (Integer next = busiest.poll(); next != null; next = busiest.poll()) {
            int member = soonest(next);
            if (member != Plan.NOBODY) {
                add(next, member);
                parts[next] = plan.work(next) / owners[next].length;
                busiest.add(next);
            }
        }
    }

    private boolean canTake(int expert, int member) {
        return !plan.cold[expert]
                && owners[expert].length < Placement.MOST_OWNERS
                && plan.hasRoom(expert, member)
                && !contains(owners[expert], member);
    }

    private static boolean contains(int[] all, int one) {
        for (int each : all) {
            if (each == one) {
                return true;
            }
        }
        return false;
    }

    private int soonest(int expert) {
        int best = Plan.NOBODY;
        double least = Double.POSITIVE_INFINITY;
        for (int member = 0; member < plan.numMembers; member++) {
            if (canTake(expert, member)) {
                double finish = plan.roundTrip(member) + seconds[plan.layerOf(expert)][member];
                if (finish < least) {
                    best = member;
                    least = finish;
                }
            }
        }
        return best;
    }

    private void add(int expert, int member) {
        share(expert, -1);
        owners[expert] = Arrays.copyOf(owners[expert], owners[expert].length + 1);
        owners[expert][owners[expert].length - 1] = member;
        share(expert, 1);
        plan.room[member] -= plan.bytes(expert);
    }

    private void share(int expert, int sign) {
        for (int owner : owners[expert]) {
            seconds[plan.layerOf(expert)][owner] += sign * plan.seconds(expert, owner, false) / owners[expert].length;
        }
    }
}
