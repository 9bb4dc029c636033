package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.Allocation;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.lane.Floats;
import io.moetier.emulator.ptx.lane.Warp;

/// Reads, changes and writes memory, one lane after the other: what a device leaves open is here always the same.
final class Atomics {
    private final Accesses accesses;

    Atomics(Accesses accesses) {
        this.accesses = accesses;
    }

    void execute(Op op, Warp warp, int mask) {
        int width = op.type.bytes;
        Allocation allocation = accesses.locate(op, warp, mask, width);
        if (allocation == null) {
            for (int rest = mask; rest != 0; rest &= rest - 1) {
                execute(op, warp, Integer.lowestOneBit(rest));
            }
            return;
        }
        accesses.checkRead(op, warp, mask, width, allocation);
        accesses.countRead(warp, mask, width, allocation);
        accesses.countWritten(warp, mask, allocation);
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            long offset = accesses.offsets[lane];
            long old = MemoryUnit.read(allocation.memory(), offset, width);
            long value = changed(op, old, warp.get(op.b, op.wide, lane), warp.get(op.c, op.wide, lane));
            MemoryUnit.write(allocation.memory(), offset, width, value);
            if (op.d != Op.NONE) {
                warp.set(op.d, op.wide, lane, width == Short.BYTES ? old & 0xffff : old);
            }
        }
        accesses.markWritten(mask, width, allocation);
    }

    private static long changed(Op op, long oldBits, long operand, long third) {
        long old = op.type.extend(oldBits);
        long b = op.type.extend(operand);
        return switch (op.atomic) {
            case ADD -> sum(op.type, oldBits, operand);
            case MIN -> less(op, old, b) ? old : b;
            case MAX -> less(op, old, b) ? b : old;
            case EXCHANGE -> b;
            case CAS -> old == b ? third : old;
            case AND -> old & b;
            case OR -> old | b;
            case XOR -> old ^ b;
            case INC -> Long.compareUnsigned(old, b) >= 0 ? 0 : old + 1;
            case DEC -> old == 0 || Long.compareUnsigned(old, b) > 0 ? b : old - 1;
        };
    }

    private static boolean less(Op op, long a, long b) {
        return op.type.signed() ? a < b : Long.compareUnsigned(a, b) < 0;
    }

    private static long sum(PtxType type, long a, long b) {
        if (type.kind == PtxType.Kind.PACKED) {
            PtxType half = type.element();
            return sum(half, a >>> 16 & 0xffff, b >>> 16 & 0xffff) << 16 | sum(half, a & 0xffff, b & 0xffff);
        }
        if (!type.floating()) {
            return a + b;
        }
        double x = Floats.value(type, a);
        double y = Floats.value(type, b);
        return Floats.bits(type, type == PtxType.F64 ? x + y : Floats.add(type, x, y, Rounding.NEAREST));
    }
}
