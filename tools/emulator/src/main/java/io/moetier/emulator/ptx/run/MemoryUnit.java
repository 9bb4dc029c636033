package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.Allocation;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.lane.Warp;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Loads and stores.
final class MemoryUnit {
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Accesses accesses;
    private final MemorySegment parameters;

    MemoryUnit(Accesses accesses, MemorySegment parameters) {
        this.accesses = accesses;
        this.parameters = parameters;
    }

    void load(Op op, Warp warp, int mask) {
        if (op.space == Space.PARAM) {
            loadParameter(op, warp, mask);
            return;
        }
        int width = op.type.bytes * op.rows.length;
        Allocation allocation = accesses.locate(op, warp, mask, width);
        if (allocation == null) {
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                load(op, warp, Integer.lowestOneBit(rest));
            }
            return;
        }
        accesses.checkRead(op, warp, mask, width, allocation);
        accesses.countRead(warp, mask, width, allocation);
        for (int i = 0; i < op.rows.length; i++) {
            int shift = i * op.type.bytes;
            if (accesses.alike) {
                int lane = Integer.numberOfTrailingZeros(mask);
                long bits = read(allocation.memory(), accesses.offsets[lane] + shift, op.type.bytes);
                warp.fill(op.rows[i], op.wide, mask, extended(op, bits));
            } else if (accesses.dense && !op.wide && width == Integer.BYTES) {
                MemorySegment.copy(allocation.memory(), INT, accesses.offsets[0], warp.ints[op.rows[i]], 0, Warp.LANES);
            } else if (mask == Warp.FULL && !op.wide && op.type.bytes == Integer.BYTES) {
                loadInts(warp.ints[op.rows[i]], allocation.memory(), shift);
            } else if (mask == Warp.FULL && op.wide && op.type.bytes == Long.BYTES) {
                loadLongs(warp.longs[op.rows[i]], allocation.memory(), shift);
            } else if (mask == Warp.FULL && !op.wide && op.type.bytes == Short.BYTES && !op.type.signed()) {
                loadShorts(warp.ints[op.rows[i]], allocation.memory(), shift);
            } else {
                loadLanes(op, warp, mask, op.rows[i], allocation.memory(), shift);
            }
        }
    }

    private void loadInts(int[] d, MemorySegment memory, int shift) {
        long[] offsets = accesses.offsets;
        for (int i = 0; i < Warp.LANES; i++) {
            d[i] = memory.get(INT, offsets[i] + shift);
        }
    }

    private void loadShorts(int[] d, MemorySegment memory, int shift) {
        long[] offsets = accesses.offsets;
        for (int i = 0; i < Warp.LANES; i++) {
            d[i] = memory.get(SHORT, offsets[i] + shift) & 0xffff;
        }
    }

    private void loadLongs(long[] d, MemorySegment memory, int shift) {
        long[] offsets = accesses.offsets;
        for (int i = 0; i < Warp.LANES; i++) {
            d[i] = memory.get(LONG, offsets[i] + shift);
        }
    }

    private void loadLanes(Op op, Warp warp, int mask, int row, MemorySegment memory, int shift) {
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            long bits = read(memory, accesses.offsets[lane] + shift, op.type.bytes);
            warp.set(row, op.wide, lane, extended(op, bits));
        }
    }

    /// Extends a narrow value to the register, which may be wider, but keeps 16-bit registers to their bits.
    private static long extended(Op op, long bits) {
        long value = op.type.extend(bits);
        return op.from.bytes == Short.BYTES ? value & 0xffff : value;
    }

    /// All lanes ask for the same parameter, but where they index into one.
    private void loadParameter(Op op, Warp warp, int mask) {
        if (!warp.uniform(op.a, op.wideA)) {
            loadParameters(op, warp, mask);
            return;
        }
        long base = warp.get(op.a, op.wideA, 0) + op.immediate;
        for (int i = 0; i < op.rows.length; i++) {
            long value = read(parameters, base + (long) i * op.type.bytes, op.type.bytes);
            warp.fill(op.rows[i], op.wide, mask, extended(op, value));
        }
    }

    private void loadParameters(Op op, Warp warp, int mask) {
        for (int i = 0; i < op.rows.length; i++) {
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                int lane = Integer.numberOfTrailingZeros(rest);
                long offset = warp.get(op.a, op.wideA, lane) + op.immediate + (long) i * op.type.bytes;
                warp.set(op.rows[i], op.wide, lane, extended(op, read(parameters, offset, op.type.bytes)));
            }
        }
    }

    void store(Op op, Warp warp, int mask) {
        int width = op.type.bytes * op.rows.length;
        Allocation allocation = accesses.locate(op, warp, mask, width);
        if (allocation == null) {
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                store(op, warp, Integer.lowestOneBit(rest));
            }
            return;
        }
        accesses.markWritten(mask, width, allocation);
        accesses.countWritten(warp, mask, allocation);
        MemorySegment memory = allocation.memory();
        for (int i = 0; i < op.rows.length; i++) {
            int shift = i * op.type.bytes;
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                int lane = Integer.numberOfTrailingZeros(rest);
                long bits = warp.get(op.rows[i], op.wide, lane);
                write(memory, accesses.offsets[lane] + shift, op.type.bytes, bits);
            }
        }
    }

    static long read(MemorySegment memory, long offset, int bytes) {
        return switch (bytes) {
            case 1 -> memory.get(ValueLayout.JAVA_BYTE, offset);
            case 2 -> memory.get(SHORT, offset);
            case 4 -> memory.get(INT, offset);
            default -> memory.get(LONG, offset);
        };
    }

    static void write(MemorySegment memory, long offset, int bytes, long bits) {
        switch (bytes) {
            case 1 -> memory.set(ValueLayout.JAVA_BYTE, offset, (byte) bits);
            case 2 -> memory.set(SHORT, offset, (short) bits);
            case 4 -> memory.set(INT, offset, (int) bits);
            default -> memory.set(LONG, offset, bits);
        }
    }
}
