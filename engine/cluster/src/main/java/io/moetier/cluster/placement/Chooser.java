package io.moetier.cluster.placement;

import java.util.Arrays;

/// Which of its owners computes an expert in this step: the one that will be through first with what it has been given
/// in this layer so far. Equal questions get equal answers.
///
/// For the thread that computes; only [#setLive] may be called by another. Nothing is allocated.
public final class Chooser {
    /// A pass over an expert's weights serves as many rows in the time that memory takes.
    private static final int ROWS_IN_A_PASS = 8;

    private final Placement placement;
    private final Plan plan; // for the speeds of members
    private final boolean[] live;
    private final double[] finish; // [members], in this layer

    /// @throws IllegalArgumentException if the placement is of other experts or members
    public Chooser(Placement placement, PlacerInput input) {
        if (!Arrays.equals(input.ids(), placement.ids())
                || input.members().size() != placement.members().size()) {
            throw new IllegalArgumentException(placement + " is not one of these experts and members");
        }
        this.placement = placement;
        plan = new Plan(input);
        live = new boolean[plan.numMembers];
        Arrays.fill(live, true);
        finish = new double[plan.numMembers];
    }

    /// Says whether a member can be asked; all can at first, and the driver always.
    public void setLive(int member, boolean isLive) {
        live[member] = isLive;
    }

    /// Chooses for the experts of a layer. One without an owner that lives goes to the driver.
    ///
    /// @param experts in the layer, `count` of them
    /// @param rows of each
    /// @param chosen is filled with the numbers of members
    public void choose(int layer, int[] experts, int[] rows, int count, int[] chosen) {
        for (int member = 0; member < finish.length; member++) {
            finish[member] = plan.roundTrip(member);
        }
        for (int i = 0; i < count; i++) { // first what leaves no choice
            int index = placement.find(layer, experts[i]);
            if (numLive(index) <= 1) {
                chosen[i] = give(index, rows[i]);
            }
        }
        for (int i = 0; i < count; i++) {
            int index = placement.find(layer, experts[i]);
            if (numLive(index) > 1) {
                chosen[i] = give(index, rows[i]);
            }
        }
    }

    private int numLive(int index) {
        int[] owners = placement.ownersAt(index);
        int count = 0;
        for (int owner : owners) {
            count += isLive(owner) ? 1 : 0;
        }
        return count;
    }

    private boolean isLive(int member) {
        return member == Placement.DRIVER || live[member];
    }

    private int give(int index, int rows) {
        int[] owners = placement.ownersAt(index);
        int best = Plan.NOBODY;
        double least = Double.POSITIVE_INFINITY;
        for (int owner : owners) {
            if (isLive(owner)) {
                double end = finish[owner] + seconds(index, owner, rows, placement.isColdAt(index));
                if (end < least) {
                    best = owner;
                    least = end;
                }
            }
        }
        if (best == Plan.NOBODY) {
            best = Placement.DRIVER;
            least = finish[best] + seconds(index, best, rows, true);
        }
        finish[best] = least;
        return best;
    }

    private double seconds(int index, int member, int rows, boolean isCold) {
        double passes = isCold ? 1 : Math.max(1, (double) rows / ROWS_IN_A_PASS);
        return passes * plan.secondsOfUse(index, member, isCold);
    }
}
