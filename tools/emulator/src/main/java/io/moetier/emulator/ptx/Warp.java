package io.moetier.emulator.ptx;

import io.moetier.emulator.memory.Allocation;

/// The state of 32 threads: registers, and groups of lanes that are at the same instruction.
final class Warp {
    static final int LANES = IntRows.LANES;
    static final int FULL = -1;

    /// What keeps a group from running.
    enum Wait {
        NOTHING,
        /// Lanes of its member mask, to do something together.
        LANES,
        /// The other warps of the block.
        BARRIER
    }

    final int index;
    final int[][] ints;
    final long[][] longs;
    final int[] predicates;
    final Allocation local;

    /// The lanes that have not ended.
    int alive;

    int groups;
    final int[] pcs = new int[LANES];
    final int[] masks = new int[LANES];

    /// Of a group that waits for lanes: all that must come, itself included.
    final int[] needed = new int[LANES];

    final Wait[] waits = new Wait[LANES];

    Warp(int index, Op.Program program, Allocation local) {
        this.index = index;
        ints = new int[program.intRows()][LANES];
        longs = new long[program.longRows()][LANES];
        predicates = new int[program.predicates()];
        this.local = local;
        for (int[] row : ints) {
            java.util.Arrays.fill(row, FULL);
        }
        for (Op.Constant constant : program.constants()) {
            if (constant.wide()) {
                java.util.Arrays.fill(longs[constant.row()], constant.bits());
            } else {
                java.util.Arrays.fill(ints[constant.row()], (int) constant.bits());
            }
        }
    }

    /// Puts the first `threads` lanes at the first instruction.
    void start(int threads) {
        alive = threads >= LANES ? FULL : (1 << threads) - 1;
        groups = 1;
        setGroup(0, 0, alive, Wait.NOTHING);
    }

    void setGroup(int group, int pc, int mask, Wait wait) {
        pcs[group] = pc;
        masks[group] = mask;
        waits[group] = wait;
        needed[group] = 0;
    }

    void addGroup(int pc, int mask) {
        setGroup(groups++, pc, mask, Wait.NOTHING);
    }

    void removeGroup(int group) {
        groups--;
        pcs[group] = pcs[groups];
        masks[group] = masks[groups];
        waits[group] = waits[groups];
        needed[group] = needed[groups];
    }

    /// Makes one of all groups that have come to the same instruction.
    void mergeGroups() {
        for (int i = 0; i < groups; i++) {
            for (int j = groups - 1; j > i; j--) {
                if (pcs[i] == pcs[j]) {
                    masks[i] |= masks[j];
                    needed[i] |= needed[j];
                    waits[i] = waits[i] == Wait.NOTHING ? waits[j] : waits[i];
                    removeGroup(j);
                }
            }
        }
    }

    /// Returns the group at the lowest instruction that can run, or -1.
    int next() {
        int best = -1;
        for (int i = 0; i < groups; i++) {
            boolean ready = waits[i] == Wait.NOTHING || (waits[i] == Wait.LANES && (needed[i] & ~masks[i]) == 0);
            if (ready && (best < 0 || pcs[i] < pcs[best])) {
                best = i;
            }
        }
        return best;
    }

    /// Returns the lowest instruction above `pc` that another group is at: the group that runs must stop there.
    int nextStop(int group, int pc) {
        int stop = Integer.MAX_VALUE;
        for (int i = 0; i < groups; i++) {
            if (i != group && pcs[i] > pc) {
                stop = Math.min(stop, pcs[i]);
            }
        }
        return stop;
    }

    boolean ended() {
        return alive == 0;
    }

    /// Whether all lanes that are left wait for the rest of the block.
    boolean atBarrier() {
        return groups == 1 && waits[0] == Wait.BARRIER && masks[0] == alive;
    }

    long get(int row, boolean wide, int lane) {
        return wide ? longs[row][lane] : ints[row][lane] & 0xffffffffL;
    }

    void set(int row, boolean wide, int lane, long value) {
        if (wide) {
            longs[row][lane] = value;
        } else {
            ints[row][lane] = (int) value;
        }
    }

    /// Sets a predicate where `mask` is set.
    void setPredicate(int predicate, int mask, int value) {
        predicates[predicate] = (predicates[predicate] & ~mask) | (value & mask);
    }

    int predicate(int predicate, boolean negated) {
        return negated ? ~predicates[predicate] : predicates[predicate];
    }
}
