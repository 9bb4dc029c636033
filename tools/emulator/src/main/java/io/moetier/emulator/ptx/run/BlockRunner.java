package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.lane.Warp;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Runs the warps of one block by turns, and lets them go on from barriers.
final class BlockRunner {
    /// In shuffled order, a warp's turn is shorter than this.
    private static final int MAX_TURN = 97;

    private final WarpRunner runner;
    private final Warp[] warps;
    private final Faults faults;
    private final @Nullable RandomGenerator random; // null: in order

    BlockRunner(WarpRunner runner, Warp[] warps, Faults faults, @Nullable RandomGenerator random) {
        this.runner = runner;
        this.warps = warps;
        this.faults = faults;
        this.random = random;
    }

    /// Runs all threads to their end.
    void run(int threads) {
        for (Warp warp : warps) {
            warp.start(threads - warp.index * Warp.LANES);
        }
        boolean running = true;
        while (running) {
            boolean ran = false;
            for (int i = 0; i < warps.length; i++) {
                Warp warp = warps[turn(i)];
                if (!warp.ended() && !warp.atBarrier()) {
                    runner.run(warp, random == null ? Long.MAX_VALUE / 2 : random.nextInt(1, MAX_TURN));
                    ran = true;
                }
            }
            running = ran || release();
        }
    }

    /// In shuffled order the warps are shuffled before each round.
    private int turn(int place) {
        if (random != null) {
            int other = random.nextInt(place, warps.length);
            Warp warp = warps[place];
            warps[place] = warps[other];
            warps[other] = warp;
        }
        return place;
    }

    /// Called when no warp can run: opens each barrier that everybody has come to. Returns false at the block's end.
    private boolean release() {
        boolean waiting = false;
        for (Warp warp : warps) {
            if (warp.ended()) {
                continue;
            }
            waiting = true;
            Op op = runner.op(warp.pcs[0]);
            if (complete(warp, op)) {
                open(number(warp, op), op);
                return true;
            }
        }
        if (waiting) {
            throw deadlock();
        }
        return false;
    }

    private static int number(Warp warp, Op op) {
        return warp.ints[op.a][Integer.numberOfTrailingZeros(warp.alive)];
    }

    private boolean waitsAt(Warp warp, int number) {
        return warp.atBarrier() && number(warp, runner.op(warp.pcs[0])) == number;
    }

    /// Without a count, a barrier is for all threads that have not ended; a count is of whole warps.
    private boolean complete(Warp first, Op op) {
        int number = number(first, op);
        int arrived = 0;
        int absent = 0;
        for (Warp warp : warps) {
            if (waitsAt(warp, number)) {
                arrived += Warp.LANES;
            } else if (!warp.ended()) {
                absent++;
            }
        }
        int expected = op.b == Op.NONE ? 0 : first.ints[op.b][Integer.numberOfTrailingZeros(first.alive)];
        return expected == 0 ? absent == 0 : arrived >= expected;
    }

    private void open(int number, Op reason) {
        int total = 0;
        int lanes = 0;
        if (reason.exchange != Op.ExchangeCode.SYNC) {
            for (Warp warp : warps) {
                if (waitsAt(warp, number)) {
                    Op op = runner.op(warp.pcs[0]);
                    total += Integer.bitCount(warp.predicate(op.c, op.negateC) & warp.alive);
                    lanes += Integer.bitCount(warp.alive);
                }
            }
        }
        for (Warp warp : warps) {
            if (waitsAt(warp, number)) {
                answer(warp, runner.op(warp.pcs[0]), total, lanes);
                warp.setGroup(0, warp.pcs[0] + 1, warp.masks[0], Warp.Wait.NOTHING);
            }
        }
    }

    private static void answer(Warp warp, Op op, int total, int lanes) {
        switch (op.exchange) {
            case REDUCE_ADD -> {
                for (int rest = warp.alive; rest != 0; rest &= rest - 1) {
                    warp.ints[op.d][Integer.numberOfTrailingZeros(rest)] = total;
                }
            }
            case REDUCE_AND -> warp.setPredicate(op.alsoPredicate, warp.alive, total == lanes ? -1 : 0);
            case REDUCE_OR -> warp.setPredicate(op.alsoPredicate, warp.alive, total > 0 ? -1 : 0);
            default -> {
                // nothing is asked
            }
        }
    }

    private KernelFault deadlock() {
        for (Warp warp : warps) {
            if (!warp.ended()) {
                Op op = runner.op(warp.pcs[0]);
                int lane = Integer.numberOfTrailingZeros(warp.alive);
                return faults.at(
                        FaultKind.LAUNCH_FAILED,
                        op,
                        warp,
                        lane,
                        "deadlock: waits at barrier " + number(warp, op) + " for warps that wait at others");
            }
        }
        throw new IllegalStateException("no warp waits");
    }
}
