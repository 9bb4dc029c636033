package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.lane.IntRows;
import io.moetier.emulator.ptx.lane.Warp;

/// What lanes of a warp do together: shuffles, votes, matches, reductions.
final class Exchanges {
    /// The bits of the bounds of a shuffle that say which lanes are apart, and the last lane of those that are not.
    private static final int SEGMENT_AND_LAST = 0x1f1f;

    private final Faults faults;
    private final int[] source = new int[Warp.LANES];

    Exchanges(Faults faults) {
        this.faults = faults;
    }

    /// Returns all living lanes that must take part if those of `mask` do.
    int members(Op op, Warp warp, int mask) {
        int[] named = warp.ints[op.e];
        if (op.alike || IntRows.uniform(named)) {
            int missing = mask & ~named[0];
            if (missing != 0) {
                throw notMember(op, warp, missing);
            }
            return named[0] & warp.alive;
        }
        int members = 0;
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            if ((named[lane] >>> lane & 1) == 0) {
                throw notMember(op, warp, 1 << lane);
            }
            members |= named[lane];
        }
        return members & warp.alive;
    }

    private KernelFault notMember(Op op, Warp warp, int lanes) {
        int lane = Integer.numberOfTrailingZeros(lanes);
        return faults.at(FaultKind.LAUNCH_FAILED, op, warp, lane, "the lane is not in its own member mask");
    }

    /// Does it for lanes that are all there; those with different member masks apart.
    void execute(Op op, Warp warp, int mask) {
        int[] named = warp.ints[op.e];
        if (op.alike || IntRows.uniform(named)) {
            together(op, warp, mask);
            return;
        }
        int rest = mask;
        while (rest != 0) {
            int members = named[Integer.numberOfTrailingZeros(rest)] & mask;
            together(op, warp, members);
            rest &= ~members;
        }
    }

    private void together(Op op, Warp warp, int mask) {
        switch (op.exchange) {
            case SHUFFLE_UP, SHUFFLE_DOWN, SHUFFLE_BUTTERFLY, SHUFFLE_INDEX -> shuffle(op, warp, mask);
            case VOTE_ALL, VOTE_ANY, VOTE_UNI, BALLOT -> vote(op, warp, mask);
            case MATCH_ANY, MATCH_ALL -> match(op, warp, mask);
            case REDUCE_ADD, REDUCE_MIN, REDUCE_MAX, REDUCE_AND, REDUCE_OR, REDUCE_XOR -> reduce(op, warp, mask);
            case SYNC -> {
                // they have met
            }
            case MATRIX, LOAD_MATRIX -> throw new IllegalStateException(op.exchange.toString());
        }
    }

    private void shuffle(Op op, Warp warp, int mask) {
        int[] d = warp.ints[op.d];
        int[] choices = warp.ints[op.b];
        int[] bounds = warp.ints[op.c];
        if (op.d != op.a
                && mask == Warp.FULL
                && op.exchange == Op.ExchangeCode.SHUFFLE_BUTTERFLY
                && ofWholeWarp(op, choices, bounds)) {
            butterfly(d, warp.ints[op.a], choices[0] & Warp.LANES - 1);
            if (op.alsoPredicate != Op.NONE) {
                warp.setPredicate(op.alsoPredicate, mask, Warp.FULL);
            }
            return;
        }
        IntRows.move(source, warp.ints[op.a]);
        int inRange = 0;
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            int segment = bounds[lane] >>> 8 & 31;
            int last = (lane & segment) | (bounds[lane] & 31 & ~segment);
            int choice = choices[lane] & 31;
            int from = switch (op.exchange) {
                case SHUFFLE_UP -> lane - choice;
                case SHUFFLE_DOWN -> lane + choice;
                case SHUFFLE_BUTTERFLY -> lane ^ choice;
                default -> (lane & segment) | (choice & ~segment);
            };
            boolean inside = op.exchange == Op.ExchangeCode.SHUFFLE_UP ? from >= last : from <= last;
            if (inside) {
                inRange |= 1 << lane;
            } else {
                from = lane;
            }
            if ((mask >>> from & 1) == 0) {
                throw faults.at(
                        FaultKind.LAUNCH_FAILED,
                        op,
                        warp,
                        lane,
                        "shuffle from lane " + from + ", which does not take part");
            }
            d[lane] = source[from];
        }
        if (op.alsoPredicate != Op.NONE) {
            warp.setPredicate(op.alsoPredicate, mask, inRange);
        }
    }

    /// Whether all lanes ask alike, and none for a part of the warp: as in the sum over a warp.
    private static boolean ofWholeWarp(Op op, int[] choices, int[] bounds) {
        boolean alike = op.alike || (IntRows.uniform(choices) && IntRows.uniform(bounds));
        return alike && (bounds[0] & SEGMENT_AND_LAST) == Warp.LANES - 1;
    }

    private static void butterfly(int[] d, int[] from, int choice) {
        for (int lane = 0; lane < Warp.LANES; lane++) {
            d[lane] = from[lane ^ choice];
        }
    }

    private static void vote(Op op, Warp warp, int mask) {
        int votes = warp.predicate(op.a, op.negateA) & mask;
        switch (op.exchange) {
            case BALLOT -> IntRows.fill(warp.ints[op.d], mask, votes);
            case VOTE_ALL -> warp.setPredicate(op.alsoPredicate, mask, votes == mask ? -1 : 0);
            case VOTE_ANY -> warp.setPredicate(op.alsoPredicate, mask, votes != 0 ? -1 : 0);
            default -> warp.setPredicate(op.alsoPredicate, mask, votes == 0 || votes == mask ? -1 : 0);
        }
    }

    /// `any` tells each lane who has the same value; `all` tells whether all have it.
    private void match(Op op, Warp warp, int mask) {
        boolean all = true;
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            source[lane] = sameAs(op, warp, mask, lane);
            all &= source[lane] == mask;
        }
        if (op.exchange == Op.ExchangeCode.MATCH_ANY) {
            IntRows.merge(warp.ints[op.d], source, mask);
        } else {
            IntRows.fill(warp.ints[op.d], mask, all ? mask : 0);
            if (op.alsoPredicate != Op.NONE) {
                warp.setPredicate(op.alsoPredicate, mask, all ? -1 : 0);
            }
        }
    }

    private static int sameAs(Op op, Warp warp, int mask, int lane) {
        int same = 0;
        for (int others = mask; others != 0; others &= others - 1) {
            int other = Integer.numberOfTrailingZeros(others);
            boolean equal = warp.get(op.a, op.wideA, lane) == warp.get(op.a, op.wideA, other);
            same |= equal ? 1 << other : 0;
        }
        return same;
    }

    private static void reduce(Op op, Warp warp, int mask) {
        int[] a = warp.ints[op.a];
        int flip = op.type == PtxType.U32 ? Integer.MIN_VALUE : 0;
        int first = Integer.numberOfTrailingZeros(mask);
        int result = a[first];
        for (int rest = mask & mask - 1; rest != 0; rest &= rest - 1) {
            int value = a[Integer.numberOfTrailingZeros(rest)];
            result = switch (op.exchange) {
                case REDUCE_ADD -> result + value;
                case REDUCE_MIN -> Math.min(result ^ flip, value ^ flip) ^ flip;
                case REDUCE_MAX -> Math.max(result ^ flip, value ^ flip) ^ flip;
                case REDUCE_AND -> result & value;
                case REDUCE_OR -> result | value;
                default -> result ^ value;
            };
        }
        IntRows.fill(warp.ints[op.d], mask, result);
    }
}
