package io.moetier.cluster.placement;

import java.util.Arrays;

/// Makes layers faster, one expert after another: moves one away from the member that is through last, or lets two
/// change places.
final class Improvement {
    private static final int MOST_STEPS = 64; // in a layer
    private static final int MOST_PARTNERS = 4; // the members that are through first
    private static final double WORTH_IT = 1 - 1e-6;

    private final Plan plan;
    private final boolean[] targets;
    private int bestMoved;
    private int bestTarget;
    private int bestReturned;
    private double best;

    /// @param targets which members experts may move to
    Improvement(Plan plan, boolean[] targets) {
        this.plan = plan;
        this.targets = targets;
    }

    /// @param mostMoves how many experts may get another owner
    void run(int mostMoves) {
        int left = mostMoves;
        for (int layer = 0; layer < plan.numLayers(); layer++) {
            for (int step = 0; step < MOST_STEPS && left > 0; step++) {
                int moved = improve(layer, left);
                if (moved == 0) {
                    break;
                }
                left -= moved;
            }
        }
    }

    /// Makes the best change to a layer; returns how many experts it moved.
    private int improve(int layer, int mostMoves) {
        int slowest = slowest(layer);
        best = plan.finish(layer, slowest, 0) * WORTH_IT;
        bestMoved = Plan.NOBODY;
        int[] partners = partners(layer, slowest);
        for (int expert = plan.layerStart(layer); expert < plan.layerEnd(layer); expert++) {
            if (plan.first[expert] == slowest && !plan.cold[expert]) {
                for (int target : partners) {
                    tryMove(expert, target);
                    if (mostMoves > 1 && targets[slowest]) {
                        tryExchanges(expert, target);
                    }
                }
            }
        }
        if (bestMoved == Plan.NOBODY) {
            return 0;
        }
        plan.take(bestMoved);
        if (bestReturned != Plan.NOBODY) {
            plan.take(bestReturned);
            plan.assign(bestReturned, slowest, false);
        }
        plan.assign(bestMoved, bestTarget, false);
        return bestReturned == Plan.NOBODY ? 1 : 2;
    }

    private int slowest(int layer) {
        int slowest = 0;
        for (int member = 1; member < plan.numMembers; member++) {
            if (plan.finish(layer, member, 0) > plan.finish(layer, slowest, 0)) {
                slowest = member;
            }
        }
        return slowest;
    }

    /// Returns the targets that are through first.
    private int[] partners(int layer, int slowest) {
        int[] partners = new int[MOST_PARTNERS];
        int count = 0;
        for (int member = 0; member < plan.numMembers; member++) {
            if (member == slowest || !targets[member]) {
                continue;
            }
            int at = count < MOST_PARTNERS ? count++ : MOST_PARTNERS;
            while (at > 0 && plan.finish(layer, partners[at - 1], 0) > plan.finish(layer, member, 0)) {
                if (at < MOST_PARTNERS) {
                    partners[at] = partners[at - 1];
                }
                at--;
            }
            if (at < MOST_PARTNERS) {
                partners[at] = member;
            }
        }
        return Arrays.copyOf(partners, count);
    }

    private void tryMove(int expert, int target) {
        if (plan.hasRoom(expert, target)) {
            consider(expert, target, Plan.NOBODY);
        }
    }

    private void tryExchanges(int expert, int target) {
        int source = plan.first[expert];
        int layer = plan.layerOf(expert);
        for (int other = plan.layerStart(layer); other < plan.layerEnd(layer); other++) {
            if (plan.first[other] == target
                    && !plan.cold[other]
                    && plan.room[target] + plan.bytes(other) >= plan.bytes(expert)
                    && plan.room[source] + plan.bytes(expert) >= plan.bytes(other)) {
                consider(expert, target, other);
            }
        }
    }

    private void consider(int expert, int target, int returned) {
        int layer = plan.layerOf(expert);
        int source = plan.first[expert];
        double less = plan.seconds(expert, source, false);
        double more = plan.seconds(expert, target, false);
        if (returned != Plan.NOBODY) {
            less -= plan.seconds(returned, source, false);
            more -= plan.seconds(returned, target, false);
        }
        double last = Math.max(plan.finish(layer, source, -less), plan.finish(layer, target, more));
        if (last < best) {
            best = last;
            bestMoved = expert;
            bestTarget = target;
            bestReturned = returned;
        }
    }
}
