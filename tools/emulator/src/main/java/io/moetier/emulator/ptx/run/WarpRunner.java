package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.lane.Approximation;
import io.moetier.emulator.ptx.lane.Lanes;
import io.moetier.emulator.ptx.lane.Predicates;
import io.moetier.emulator.ptx.lane.Rows;
import io.moetier.emulator.ptx.lane.Warp;

/// Runs a warp, all its lanes in step.
///
/// Lanes part at branches that they do not agree on, and each part is a group with its own place. The group at the
/// lowest instruction goes first, so that lanes meet again behind what they did apart.
final class WarpRunner {
    private final Op[] ops;
    private final Rows rows;
    private final Lanes lanes;
    private final MemoryUnit memory;
    private final Atomics atomics;
    private final Exchanges exchanges;
    private final Faults faults;
    private final LaunchCounts counts;
    private final long maxInstructions;

    WarpRunner(
            Op.Program program,
            Accesses accesses,
            MemoryUnit memory,
            Faults faults,
            LaunchCounts counts,
            LaunchOptions options) {
        ops = program.ops().toArray(Op[]::new);
        Approximation approximation = new Approximation(options.seed(), options.disturbanceUlps());
        rows = new Rows(approximation);
        lanes = new Lanes(approximation);
        this.memory = memory;
        atomics = new Atomics(accesses);
        exchanges = new Exchanges(faults);
        this.faults = faults;
        this.counts = counts;
        maxInstructions = options.maxWarpInstructions();
    }

    Op op(int index) {
        return ops[index];
    }

    /// Runs until the warp ends, waits at a barrier, or has executed about `quantum` instructions.
    void run(Warp warp, long quantum) {
        long until = counts.warpInstructions + quantum;
        while (!warp.ended() && counts.warpInstructions < until) {
            warp.mergeGroups();
            int group = warp.next();
            if (group < 0) {
                stopAtBarrier(warp);
                return;
            }
            runGroup(warp, group, until);
        }
    }

    /// Returns if all lanes wait at one barrier; if they wait for one another, nothing will ever come.
    private void stopAtBarrier(Warp warp) {
        if (warp.atBarrier()) {
            return;
        }
        for (int i = 0; i < warp.groups; i++) {
            if (warp.waits[i] == Warp.Wait.LANES) {
                int absent = warp.needed[i] & ~warp.masks[i];
                throw deadlock(warp, i, "waits for " + Faults.lanes(absent) + ", which do not come");
            }
        }
        throw deadlock(
                warp,
                0,
                "a barrier in divergent code: " + Faults.lanes(warp.alive & ~warp.masks[0]) + " wait at another one");
    }

    private KernelFault deadlock(Warp warp, int group, String reason) {
        int lane = Integer.numberOfTrailingZeros(warp.masks[group]);
        return faults.at(FaultKind.LAUNCH_FAILED, ops[warp.pcs[group]], warp, lane, reason);
    }

    /// Runs one group until it parts, ends, waits, or comes to where another group is.
    private void runGroup(Warp warp, int group, long until) {
        int pc = warp.pcs[group];
        int mask = warp.masks[group];
        boolean met = warp.waits[group] == Warp.Wait.LANES;
        int stop = warp.groups == 1 ? Integer.MAX_VALUE : warp.nextStop(group, pc);
        long executed = counts.warpInstructions;
        while (true) {
            Op op = ops[pc];
            int active = op.guard < 0 ? mask : mask & warp.predicate(op.guard, op.guardNegated);
            executed++;
            if (counts.counting) {
                counts.add(op, active);
            }
            boolean on = true;
            switch (op.unit) {
                case BRANCH -> {
                    if (active == mask) {
                        checkBudget(warp, op, mask, executed, op.target <= pc);
                        pc = op.target;
                    } else if (active == 0) {
                        pc++;
                    } else {
                        checkBudget(warp, op, mask, executed, op.target <= pc);
                        warp.addGroup(op.target, active);
                        pc++;
                        mask &= ~active;
                        on = false;
                    }
                    on &= pc < stop || stop == Integer.MAX_VALUE;
                }
                case EXIT -> {
                    leave(warp, active);
                    mask &= ~active;
                    pc++;
                    on = mask != 0;
                }
                case BARRIER -> {
                    if (active != 0) {
                        counts.warpInstructions = executed;
                        arrive(warp, group, pc, mask, active);
                        return;
                    }
                    pc++;
                }
                case EXCHANGE -> {
                    if (active != 0 && !met && waits(op, warp, group, pc, mask, active)) {
                        counts.warpInstructions = executed - 1;
                        return;
                    }
                    met = false;
                    if (active != 0) {
                        exchanges.execute(op, warp, active);
                    }
                    pc++;
                }
                default -> {
                    if (active != 0) {
                        execute(op, warp, active);
                    }
                    pc++;
                }
            }
            if (!on || pc == stop || executed >= until) {
                break;
            }
        }
        counts.warpInstructions = executed;
        if (mask == 0) {
            warp.removeGroup(group);
        } else {
            warp.setGroup(group, pc, mask, Warp.Wait.NOTHING);
        }
    }

    private void execute(Op op, Warp warp, int active) {
        switch (op.unit) {
            case ROWS -> rows.execute(op, warp, active);
            case LOAD -> memory.load(op, warp, active);
            case STORE -> memory.store(op, warp, active);
            case COMPARE -> Predicates.compare(op, warp, active);
            case LOGIC -> Predicates.logic(op, warp, active);
            case SELECT -> Predicates.select(op, warp, active);
            case LANES -> lanes.execute(op, warp, active);
            case ATOMIC -> atomics.execute(op, warp, active);
            case WARP -> ask(op, warp, active);
            case TRAP ->
                throw faults.at(FaultKind.LAUNCH_FAILED, op, warp, Integer.numberOfTrailingZeros(active), "trap");
            case BRANCH, EXIT, BARRIER, EXCHANGE -> throw new IllegalStateException(op.unit.toString());
        }
    }

    /// Loops are where endless ones are caught.
    private void checkBudget(Warp warp, Op op, int mask, long executed, boolean backwards) {
        if (backwards && executed > maxInstructions) {
            throw faults.at(
                    FaultKind.TIMEOUT,
                    op,
                    warp,
                    Integer.numberOfTrailingZeros(mask),
                    "more than " + maxInstructions + " instructions of warps in one launch");
        }
    }

    /// Lanes that others wait for must not end.
    private void leave(Warp warp, int active) {
        warp.alive &= ~active;
        for (int i = 0; i < warp.groups; i++) {
            int lost = warp.needed[i] & active;
            if (warp.waits[i] == Warp.Wait.LANES && lost != 0) {
                throw deadlock(warp, i, "waits for " + Faults.lanes(lost) + ", which have ended without it");
            }
        }
    }

    /// Returns whether a group must wait for lanes that are elsewhere.
    private boolean waits(Op op, Warp warp, int group, int pc, int mask, int active) {
        int members = exchanges.members(op, warp, active);
        if ((members & ~active) == 0) {
            return false;
        }
        if ((members & ~mask) == 0) {
            throw faults.at(
                    FaultKind.LAUNCH_FAILED,
                    op,
                    warp,
                    Integer.numberOfTrailingZeros(active),
                    "its member mask names " + Faults.lanes(members & ~active) + ", whose predicate is false");
        }
        warp.setGroup(group, pc, mask, Warp.Wait.LANES);
        warp.needed[group] = members;
        return true;
    }

    private void arrive(Warp warp, int group, int pc, int mask, int active) {
        if (active != mask) {
            throw faults.at(
                    FaultKind.LAUNCH_FAILED,
                    ops[pc],
                    warp,
                    Integer.numberOfTrailingZeros(active),
                    "a barrier in divergent code: the predicate of " + Faults.lanes(mask & ~active) + " is false");
        }
        warp.setGroup(group, pc, mask, Warp.Wait.BARRIER);
    }

    private void ask(Op op, Warp warp, int active) {
        if (op.warpCode == Op.WarpCode.IS_SPACE) {
            int answer = 0;
            for (int i = 0; i < Warp.LANES; i++) {
                answer |= (Accesses.window(warp.longs[op.a][i]) == op.space ? 1 : 0) << i;
            }
            warp.setPredicate(op.d, active, answer);
            return;
        }
        long value = op.warpCode == Op.WarpCode.ACTIVE_MASK ? active : counts.warpInstructions;
        warp.fill(op.d, op.wide, active, value);
    }
}
