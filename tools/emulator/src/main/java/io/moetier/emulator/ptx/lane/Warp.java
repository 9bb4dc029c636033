package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.memory.Allocation;
import io.moetier.emulator.ptx.code.Op;
import java.util.Arrays;

/// The state of 32 threads: registers, and groups of lanes that are at the same instruction.
public final class Warp {
    public static final int LANES = IntRows.LANES;
    public static final int FULL = -1;

    /// What keeps a group from running.
    public enum Wait {
        NOTHING,
        /// Lanes of its member mask, to do something together.
        LANES,
        /// The other warps of the block.
        BARRIER
    }

    public final int index;
    public final int[][] ints;
    public final long[][] longs;
    final int[] predicates;
    public final Allocation local;

    /// The lanes that have not ended.
    public int alive;

    public int groups;
    public final int[] pcs = new int[LANES];
    public final int[] masks = new int[LANES];

    /// Of a group that waits for lanes: all that must come, itself included.
    public final int[] needed = new int[LANES];

    public final Wait[] waits = new Wait[LANES];

    public Warp(int index, Op.Program program, Allocation local) {
        this.index = index;
        ints = new int[program.intRows()][];
        longs = new long[program.longRows()][];
        predicates = new int[program.predicates()];
        this.local = local;
        for (int i = 0; i < ints.length; i++) { // twice as fast as an array of arrays at once
            ints[i] = new int[LANES];
            Arrays.fill(ints[i], FULL);
        }
        for (int i = 0; i < longs.length; i++) {
            longs[i] = new long[LANES];
        }
        for (Op.Constant constant : program.constants()) {
            if (constant.wide()) {
                Arrays.fill(longs[constant.row()], constant.bits());
            } else {
                Arrays.fill(ints[constant.row()], (int) constant.bits());
            }
        }
    }

    /// Puts the first `threads` lanes at the first instruction.
    public void start(int threads) {
        alive = threads >= LANES ? FULL : (1 << threads) - 1;
        groups = 1;
        setGroup(0, 0, alive, Wait.NOTHING);
    }

    public void setGroup(int group, int pc, int mask, Wait wait) {
        pcs[group] = pc;
        masks[group] = mask;
        waits[group] = wait;
        needed[group] = 0;
    }

    public void addGroup(int pc, int mask) {
        setGroup(groups++, pc, mask, Wait.NOTHING);
    }

    public void removeGroup(int group) {
        groups--;
        pcs[group] = pcs[groups];
        masks[group] = masks[groups];
        waits[group] = waits[groups];
        needed[group] = needed[groups];
    }

    /// Makes one of all groups that have come to the same instruction.
    public void mergeGroups() {
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
    public int next() {
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
    public int nextStop(int group, int pc) {
        int stop = Integer.MAX_VALUE;
        for (int i = 0; i < groups; i++) {
            if (i != group && pcs[i] > pc) {
                stop = Math.min(stop, pcs[i]);
            }
        }
        return stop;
    }

    public boolean ended() {
        return alive == 0;
    }

    /// Whether all lanes that are left wait for the rest of the block.
    public boolean atBarrier() {
        return groups == 1 && waits[0] == Wait.BARRIER && masks[0] == alive;
    }

    public long get(int row, boolean wide, int lane) {
        return wide ? longs[row][lane] : ints[row][lane] & 0xffffffffL;
    }

    public void set(int row, boolean wide, int lane, long value) {
        if (wide) {
            longs[row][lane] = value;
        } else {
            ints[row][lane] = (int) value;
        }
    }

    /// Returns whether all lanes have the same value in a row.
    public boolean uniform(int row, boolean wide) {
        return wide ? LongRows.uniform(longs[row]) : IntRows.uniform(ints[row]);
    }

    /// Sets a row where `mask` is set.
    public void fill(int row, boolean wide, int mask, long value) {
        if (wide) {
            LongRows.fill(longs[row], mask, value);
        } else {
            IntRows.fill(ints[row], mask, (int) value);
        }
    }

    /// Sets a predicate where `mask` is set.
    public void setPredicate(int predicate, int mask, int value) {
        predicates[predicate] = (predicates[predicate] & ~mask) | (value & mask);
    }

    public int predicate(int predicate, boolean negated) {
        return negated ? ~predicates[predicate] : predicates[predicate];
    }
}
