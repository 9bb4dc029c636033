package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.Allocation;
import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.Special;
import io.moetier.emulator.ptx.lane.Warp;
import io.moetier.emulator.ptx.module.PtxKernel;
import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// One launch: its warps, which all blocks use one after the other, and the order of the blocks.
final class Execution {
    private final PtxKernel kernel;
    private final Launch launch;
    private final LaunchOptions options;
    private final Faults faults;
    private final LaunchCounts counts;
    private final Allocation shared;
    private final Warp[] warps;
    private final WarpRunner runner;

    Execution(
            PtxKernel kernel,
            Launch launch,
            LaunchOptions options,
            DeviceMemory memory,
            Map<String, Long> addresses,
            Workspace workspace) {
        this.kernel = kernel;
        this.launch = launch;
        this.options = options;
        faults = new Faults(kernel, launch.grid(), launch.block());
        counts = new LaunchCounts(options.countTraffic());
        shared = workspace.shared(launch.dynamicSharedBytes());
        Op.Program program = kernel.program();
        warps = workspace.warps(Math.toIntExact(Math.ceilDiv(launch.block().count(), Warp.LANES)));
        for (Warp warp : warps) {
            for (Op.Symbol symbol : program.symbols()) {
                long address = java.util.Objects.requireNonNull(addresses.get(symbol.name()), symbol.name());
                Arrays.fill(warp.longs[symbol.row()], address + symbol.offset());
            }
            for (Op.SpecialRow special : program.specials()) {
                fill(warp, special, 0, 0, 0);
            }
        }
        Accesses accesses = new Accesses(memory, faults, counts, program.ops().size(), shared, kernel.localBytes());
        runner = new WarpRunner(
                program, accesses, new MemoryUnit(accesses, launch.parameters()), faults, counts, options);
    }

    LaunchCounts run() {
        long blocks = launch.grid().count();
        @Nullable RandomGenerator random = options.shuffled() ? new java.util.SplittableRandom(options.seed()) : null;
        long step = random == null ? 1 : step(blocks, random);
        long first = random == null ? 0 : random.nextLong(blocks);
        BlockRunner block = new BlockRunner(runner, warps, faults, random);
        for (long i = 0; i < blocks; i++) {
            enter(Math.floorMod(first + Math.multiplyExact(i, step), blocks));
            block.run((int) launch.block().count());
        }
        return counts;
    }

    /// Steps of a length that has no factor in common with the number of blocks reach each block once.
    private static long step(long blocks, RandomGenerator random) {
        long step = blocks < 2 ? 1 : random.nextLong(1, blocks);
        while (gcd(step, blocks) != 1) {
            step++;
        }
        return step;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    private void enter(long index) {
        faults.enterBlock(index);
        shared.forget();
        int x = (int) (index % launch.grid().x());
        int y = (int) (index / launch.grid().x() % launch.grid().y());
        int z = (int) (index / launch.grid().x() / launch.grid().y());
        for (Warp warp : warps) {
            warp.local.forget();
            for (Op.SpecialRow special : kernel.program().specials()) {
                switch (special.special()) {
                    case CTAID_X, CTAID_Y, CTAID_Z, SMID -> fill(warp, special, x, y, z);
                    default -> {
                        // the same for all blocks
                    }
                }
            }
        }
    }

    private void fill(Warp warp, Op.SpecialRow row, int x, int y, int z) {
        int[] values = warp.ints[row.row()];
        for (int lane = 0; lane < Warp.LANES; lane++) {
            values[lane] = value(row.special(), warp, lane, x, y, z);
        }
    }

    private int value(Special special, Warp warp, int lane, int x, int y, int z) {
        Extent block = launch.block();
        int thread = warp.index * Warp.LANES + lane;
        return switch (special) {
            case TID_X -> thread % block.x();
            case TID_Y -> thread / block.x() % block.y();
            case TID_Z -> thread / block.x() / block.y();
            case NTID_X -> block.x();
            case NTID_Y -> block.y();
            case NTID_Z -> block.z();
            case CTAID_X -> x;
            case CTAID_Y -> y;
            case CTAID_Z -> z;
            case NCTAID_X -> launch.grid().x();
            case NCTAID_Y -> launch.grid().y();
            case NCTAID_Z -> launch.grid().z();
            case LANEID -> lane;
            case WARPID -> warp.index;
            case NWARPID -> warps.length;
            case SMID -> 0;
            case NSMID -> 1;
            case LANEMASK_EQ -> 1 << lane;
            case LANEMASK_LT -> (1 << lane) - 1;
            case LANEMASK_LE -> (2 << lane) - 1;
            case LANEMASK_GT -> -(2 << lane);
            case LANEMASK_GE -> -(1 << lane);
            case DYNAMIC_SMEM_SIZE -> launch.dynamicSharedBytes();
            case TOTAL_SMEM_SIZE -> kernel.sharedBytes() + launch.dynamicSharedBytes();
        };
    }
}
