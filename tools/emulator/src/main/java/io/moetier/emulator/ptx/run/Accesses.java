package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.Allocation;
import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.lane.Warp;
import org.jspecify.annotations.Nullable;

/// Finds out what memory an instruction means, and whether it may be touched.
final class Accesses {
    private static final int SECTOR = 32; // bytes

    private final DeviceMemory memory;
    private final Faults faults;
    private final LaunchCounts counts;
    private final int launch;
    private final @Nullable Allocation[] lastOf; // for each instruction, what it touched last
    private final Allocation shared;
    private final int localBytes;

    /// Where each lane's access lies in the allocation that was found.
    final long[] offsets = new long[Warp.LANES];

    /// Whether all lanes access one place.
    boolean alike;

    /// Whether all lanes are active and each accesses the place behind that of the lane before.
    boolean dense;

    Accesses(DeviceMemory memory, Faults faults, LaunchCounts counts, int numOps, Allocation shared, int localBytes) {
        this.memory = memory;
        this.faults = faults;
        this.counts = counts;
        launch = memory.nextLaunch();
        lastOf = new Allocation[numOps];
        this.shared = shared;
        this.localBytes = localBytes;
    }

    /// Returns the one allocation that holds what all lanes of `mask` access, and sets their offsets in it; or null if
    /// they are several, each of them in order.
    ///
    /// @param width bytes of one lane's access, a power of two
    @Nullable
    Allocation locate(Op op, Warp warp, int mask, int width) {
        addresses(op, warp, mask);
        Space space = op.space;
        if (space == Space.GENERIC) {
            space = window(mask);
            if (space == Space.GENERIC) {
                return null;
            }
            subtract(space.window());
        }
        long any = 0;
        long first = offsets[0];
        long low = first;
        long high = first;
        long apart = 0;
        for (int i = 0; i < Warp.LANES; i++) {
            any |= offsets[i];
            low = Math.min(low, offsets[i]);
            high = Math.max(high, offsets[i]);
            apart |= offsets[i] - first - (long) i * width;
        }
        alike = low == high && space != Space.LOCAL;
        dense = apart == 0 && mask == Warp.FULL && space != Space.LOCAL;
        if ((any & (width - 1)) != 0) {
            throw misaligned(op, warp, mask, width);
        }
        return switch (space) {
            case SHARED -> within(op, warp, mask, width, shared, low, high);
            case LOCAL -> local(op, warp, mask, width, low, high);
            case GLOBAL, CONST, PARAM, GENERIC -> global(op, warp, mask, width, low, high);
        };
    }

    /// Lanes that are not active get the address of one that is.
    private void addresses(Op op, Warp warp, int mask) {
        if (op.wideA) {
            long[] base = warp.longs[op.a];
            for (int i = 0; i < Warp.LANES; i++) {
                offsets[i] = base[i] + op.immediate;
            }
        } else {
            int[] base = warp.ints[op.a];
            int immediate = (int) op.immediate;
            for (int i = 0; i < Warp.LANES; i++) {
                offsets[i] = base[i] + immediate & 0xffffffffL;
            }
        }
        if (mask != Warp.FULL) {
            long valid = offsets[Integer.numberOfTrailingZeros(mask)];
            for (int i = 0; i < Warp.LANES; i++) {
                offsets[i] = (mask >>> i & 1) != 0 ? offsets[i] : valid;
            }
        }
    }

    /// Returns the space that generic addresses lie in, or GENERIC if they lie in several.
    private Space window(int mask) {
        Space first = window(offsets[Integer.numberOfTrailingZeros(mask)]);
        for (long address : offsets) {
            if (window(address) != first) {
                return Space.GENERIC;
            }
        }
        return first;
    }

    static Space window(long address) {
        return address >= Space.LOCAL_WINDOW && address < Space.LOCAL_WINDOW + Space.SHARED_WINDOW
                ? Space.LOCAL
                : address >= Space.SHARED_WINDOW && address < Space.LOCAL_WINDOW ? Space.SHARED : Space.GLOBAL;
    }

    private void subtract(long base) {
        for (int i = 0; i < Warp.LANES; i++) {
            offsets[i] -= base;
        }
    }

    private Allocation within(Op op, Warp warp, int mask, int width, Allocation space, long low, long high) {
        if (low < 0 || high > space.bytes() - width) {
            throw outside(op, warp, mask, width, space.bytes(), "shared");
        }
        return space;
    }

    /// Each lane has its own part of the warp's local memory.
    private Allocation local(Op op, Warp warp, int mask, int width, long low, long high) {
        if (low < 0 || high > localBytes - width) {
            throw outside(op, warp, mask, width, localBytes, "local");
        }
        for (int i = 0; i < Warp.LANES; i++) {
            offsets[i] += (long) i * localBytes;
        }
        return warp.local;
    }

    private @Nullable Allocation global(Op op, Warp warp, int mask, int width, long low, long high) {
        Allocation allocation = lastOf[op.index];
        if (allocation == null || low < allocation.address() || high > allocation.end() - width) {
            allocation = search(op, warp, mask, width, low, high);
            if (allocation == null) {
                return null;
            }
            lastOf[op.index] = allocation;
        }
        subtract(allocation.address());
        return allocation;
    }

    private @Nullable Allocation search(Op op, Warp warp, int mask, int width, long low, long high) {
        Allocation allocation = memory.find(low);
        if (allocation != null && allocation.live() && high <= allocation.end() - width) {
            return allocation;
        }
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            Allocation own = memory.find(offsets[lane]);
            if (own == null || !own.live() || offsets[lane] > own.end() - width) {
                throw faults.at(
                        FaultKind.ILLEGAL_ADDRESS,
                        op,
                        warp,
                        lane,
                        verb(op) + " of " + width + " bytes at " + memory.describe(offsets[lane], width));
            }
        }
        return null;
    }

    /// Faults if a lane reads what nobody has written.
    void checkRead(Op op, Warp warp, int mask, int width, Allocation allocation) {
        if (!allocation.checksReads()) {
            return;
        }
        if (dense && allocation.mayReadRange(offsets[0], end(width))) {
            return;
        }
        for (int rest = alike ? Integer.lowestOneBit(mask) : mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            if (!allocation.mayRead(offsets[lane], width)) {
                throw faults.at(
                        FaultKind.UNINITIALISED_READ,
                        op,
                        warp,
                        lane,
                        "read of " + width + " bytes that were never written, at " + offsets[lane] + " of "
                                + allocation.bytes() + (allocation == shared ? " bytes of shared memory" : " bytes"));
            }
        }
    }

    /// Returns the end of a dense access.
    private long end(int width) {
        return offsets[Warp.LANES - 1] + width;
    }

    void markWritten(int mask, int width, Allocation allocation) {
        if (allocation.checksReads() && dense) {
            allocation.wroteRange(offsets[0], end(width));
        } else if (allocation.checksReads()) {
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                allocation.wrote(offsets[Integer.numberOfTrailingZeros(rest)], width);
            }
        }
    }

    void countRead(Warp warp, int mask, int width, Allocation allocation) {
        if (!counts.counting || allocation == shared || allocation == warp.local) {
            return;
        }
        if (dense) {
            for (long sector = offsets[0] & -SECTOR; sector < end(width); sector += SECTOR) {
                counts.sectorsRead += allocation.touchRead(sector, launch);
            }
            return;
        }
        long last = -1;
        for (int rest = alike ? Integer.lowestOneBit(mask) : mask; rest != 0; rest &= rest - 1) {
            long offset = offsets[Integer.numberOfTrailingZeros(rest)];
            if (offset >> 5 != last) {
                last = offset >> 5;
                counts.sectorsRead += allocation.touchRead(offset, launch);
            }
        }
    }

    void countWritten(Warp warp, int mask, Allocation allocation) {
        if (!counts.counting || allocation == shared || allocation == warp.local) {
            return;
        }
        long last = -1;
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            long offset = offsets[Integer.numberOfTrailingZeros(rest)];
            if (offset >> 5 != last) {
                last = offset >> 5;
                counts.sectorsWritten += allocation.touchWritten(offset, launch);
            }
        }
    }

    private KernelFault misaligned(Op op, Warp warp, int mask, int width) {
        int lane = firstLane(mask, offset -> (offset & (width - 1)) != 0);
        String reason = verb(op) + " of " + width + " bytes at " + DeviceMemory.hex(offsets[lane])
                + ", which is no multiple of " + width;
        return faults.at(FaultKind.MISALIGNED_ADDRESS, op, warp, lane, reason);
    }

    private KernelFault outside(Op op, Warp warp, int mask, int width, long bytes, String name) {
        int lane = firstLane(mask, offset -> offset < 0 || offset > bytes - width);
        String reason = verb(op) + " of " + width + " bytes at " + offsets[lane] + " of " + bytes + " bytes of " + name
                + " memory, " + (offsets[lane] + width - bytes) + " bytes past the end";
        return faults.at(FaultKind.ILLEGAL_ADDRESS, op, warp, lane, reason);
    }

    private int firstLane(int mask, java.util.function.LongPredicate wrong) {
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            if (wrong.test(offsets[lane])) {
                return lane;
            }
        }
        throw new IllegalStateException("no lane is wrong");
    }

    private static String verb(Op op) {
        return op.unit == Unit.LOAD ? "read" : op.unit == Unit.STORE ? "write" : "atomic";
    }
}
