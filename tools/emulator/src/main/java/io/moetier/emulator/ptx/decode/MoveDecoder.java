package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.code.RowCode;
import io.moetier.emulator.ptx.code.ScalarCode;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Decodes what moves a value to a register of another type, packs several into one, or chooses between two.
final class MoveDecoder {
    private final Emitter out;

    MoveDecoder(Emitter out) {
        this.out = out;
    }

    boolean decode(Instruction in, String name, Modifiers modifiers) {
        switch (name) {
            case "mov" -> move(in, modifiers);
            case "cvt" -> convert(in, modifiers);
            case "cvta" -> convertAddress(in, modifiers);
            case "selp" -> choose(in, modifiers);
            default -> {
                return false;
            }
        }
        return true;
    }

    private void move(Instruction in, Modifiers modifiers) {
        PtxType type = modifiers.type();
        modifiers.end();
        out.count(in, 2, 2);
        Operand to = in.operands().getFirst();
        Operand from = in.operands().get(1);
        if (type == PtxType.PRED) {
            movePredicate(in, to, from);
        } else if (from instanceof Operand.Vector(List<Operand> parts)) {
            join(in, type, to, parts);
        } else if (to instanceof Operand.Vector(List<Operand> parts)) {
            part(in, type, parts, from);
        } else if (from instanceof Operand.Name(String clock, long _) && clock(clock) != null) {
            Op op = out.emit(in, Unit.WARP);
            op.warpCode = type.wide() ? Op.WarpCode.CLOCK_64 : Op.WarpCode.CLOCK;
            op.d = out.result(in, to, type).row();
            op.wide = type.wide();
        } else {
            Op op = out.emit(in, Unit.ROWS);
            op.cost = Cost.INTEGER;
            op.rowCode = type.wide() ? RowCode.MOVE_64 : RowCode.MOVE_32;
            out.move(op, out.result(in, to, type), out.value(in, from, type));
        }
    }

    private static @Nullable String clock(String register) {
        return switch (register) {
            case "%clock", "%clock_hi", "%clock64", "%globaltimer", "%globaltimer_lo" -> register;
            default -> null;
        };
    }

    private void movePredicate(Instruction in, Operand to, Operand from) {
        if (!(to instanceof Operand.Name)) {
            throw out.refuse(in, "the result is no predicate");
        }
        Op op = out.emit(in, Unit.LOGIC);
        op.scalarCode = ScalarCode.AND;
        op.d = out.predicateRow(in, to);
        if (from instanceof Operand.Literal(long bits, PtxType _)) {
            op.scalarCode = bits == 0 ? ScalarCode.SUB : ScalarCode.CNOT;
            op.a = op.d;
        } else {
            op.a = out.predicateRow(in, from);
            op.negateA = Emitter.negated(from);
        }
        op.b = op.a;
        op.negateB = op.negateA;
    }

    /// Packs 2 or 4 parts into a register, the first into the lowest bits.
    private void join(Instruction in, PtxType type, Operand to, List<Operand> parts) {
        PtxType partType = partType(in, type, parts.size());
        Op op = out.emit(in, parts.size() == 2 ? Unit.ROWS : Unit.LANES);
        op.cost = Cost.INTEGER;
        op.rowCode = type.wide() ? RowCode.PACK_32 : RowCode.PACK_16;
        op.scalarCode = ScalarCode.JOIN;
        op.type = type;
        op.d = out.result(in, to, type).row();
        op.wide = type.wide();
        int[] rows =
                parts.stream().mapToInt(x -> out.value(in, x, partType).row()).toArray();
        op.a = rows[0];
        op.b = rows[1];
        if (rows.length == 4) {
            op.c = rows[2];
            op.e = rows[3];
        }
    }

    private void part(Instruction in, PtxType type, List<Operand> parts, Operand from) {
        PtxType partType = partType(in, type, parts.size());
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i) instanceof Operand.Name(String name, long _) && name.equals("_")) {
                continue;
            }
            boolean halves = parts.size() == 2 && type.wide();
            Op op = out.emit(in, halves ? Unit.ROWS : Unit.LANES);
            op.cost = Cost.INTEGER;
            op.rowCode = i == 0 ? RowCode.LOW_32 : RowCode.HIGH_32;
            op.scalarCode = ScalarCode.PART;
            op.type = partType;
            op.immediate = (long) i * partType.bits();
            op.d = out.result(in, parts.get(i), partType).row();
            op.a = out.value(in, from, type).row();
            op.wideA = type.wide();
        }
    }

    private PtxType partType(Instruction in, PtxType type, int parts) {
        if ((type == PtxType.B32 && parts == 2) || (type == PtxType.B64 && parts == 4)) {
            return PtxType.B16;
        }
        if (type == PtxType.B64 && parts == 2) {
            return PtxType.B32;
        }
        throw out.refuse(in, "no such form of mov");
    }

    private void convert(Instruction in, Modifiers modifiers) {
        Rounding toWhole = modifiers.wholeRounding();
        boolean whole = toWhole != null;
        Rounding rounding = toWhole != null ? toWhole : modifiers.rounding();
        boolean ftz = modifiers.take("ftz");
        boolean sat = modifiers.take("sat");
        PtxType from = modifiers.type();
        PtxType to = modifiers.type();
        modifiers.end();
        Op op = out.emit(in, Unit.LANES);
        op.cost = Cost.INTEGER;
        op.scalarCode = ScalarCode.CONVERT;
        op.type = to;
        op.from = from;
        op.rounding = rounding;
        op.wholeNumber = whole;
        op.ftz = ftz;
        op.sat = sat;
        if (to.kind == PtxType.Kind.PACKED) {
            convertTwo(in, op);
            return;
        }
        boolean numbers = (to.integer() || to.floating()) && (from.integer() || from.floating());
        boolean roundsToWhole = from.floating() && (to.integer() || from == to);
        if (!numbers || (whole && !roundsToWhole) || (from.floating() && to.integer() && !whole)) {
            throw out.refuse(in, "no such conversion");
        }
        out.count(in, 2, 2);
        KernelScope.Row d = out.looseResult(in, in.operands().getFirst(), to);
        KernelScope.Row a = out.loose(in, in.operands().get(1), from);
        if (d.type().bytes < to.bytes || a.type().bytes < from.bytes) {
            throw out.refuse(in, "a register is too narrow");
        }
        op.d = d.row();
        op.wide = d.wide();
        op.a = a.row();
        op.wideA = a.wide();
        op.immediate = d.type().bytes;
        fast(op, d.type().bytes);
    }

    private void convertTwo(Instruction in, Op op) {
        if (op.from != PtxType.F32 || op.wholeNumber) {
            throw out.refuse(in, "no such conversion");
        }
        out.count(in, 3, 3);
        op.scalarCode = ScalarCode.CONVERT_PACK;
        op.d = out.result(in, in.operands().getFirst(), PtxType.B32).row();
        op.a = out.row(in, 1, PtxType.F32);
        op.b = out.row(in, 2, PtxType.F32);
    }

    private static void fast(Op op, int registerBytes) {
        if (op.sat || op.ftz) {
            return;
        }
        RowCode code = fastCode(op, registerBytes);
        if (code != null) {
            op.unit = Unit.ROWS;
            op.rowCode = code;
            op.immediate = op.type.bytes == 2 ? 0xffff : 0xff;
        }
    }

    private static @Nullable RowCode fastCode(Op op, int registerBytes) {
        PtxType from = op.from;
        PtxType to = op.type;
        if (to.integer() && from.integer()) {
            return integerCode(op, registerBytes);
        }
        if (op.wide || op.wideA) {
            return null;
        }
        if (to == PtxType.F32 && op.rounding == Rounding.NEAREST) {
            return from == PtxType.S32
                    ? RowCode.F_FROM_S32
                    : from == PtxType.U32 ? RowCode.F_FROM_U32 : from == PtxType.F16 ? RowCode.F_FROM_F16 : null;
        }
        if (to == PtxType.F16 && from == PtxType.F32 && op.rounding == Rounding.NEAREST) {
            return RowCode.F16_FROM_F;
        }
        if (to == PtxType.S32 && from == PtxType.F32) {
            return op.rounding == Rounding.NEAREST
                    ? RowCode.S32_FROM_F_NEAREST
                    : op.rounding == Rounding.ZERO ? RowCode.S32_FROM_F_ZERO : null;
        }
        return null;
    }

    private static @Nullable RowCode integerCode(Op op, int registerBytes) {
        if (op.wide && !op.wideA && op.from.bytes == 4 && op.type.bytes == 8) {
            return op.from.signed() ? RowCode.WIDEN_S32 : RowCode.WIDEN_U32;
        }
        if (!op.wide && op.wideA && op.type.bytes == 4 && op.from.bytes == 8) {
            return RowCode.LOW_32;
        }
        boolean mask = !op.type.signed() && op.type.bytes < 4 && op.from.bytes >= op.type.bytes;
        return mask && !op.wide && !op.wideA && registerBytes <= 4 ? RowCode.MASK_32 : null;
    }

    /// Generic addresses of shared and local memory are those in their space plus where its window starts.
    private void convertAddress(Instruction in, Modifiers modifiers) {
        boolean toSpace = modifiers.take("to");
        Space space = modifiers.space();
        if (modifiers.type() != PtxType.U64 || space == Space.GENERIC || space == Space.PARAM) {
            throw out.refuse(in, "no such form of cvta");
        }
        modifiers.end();
        out.count(in, 2, 2);
        Op op = out.emit(in, Unit.ROWS);
        op.cost = Cost.INTEGER;
        op.rowCode = space.window() == 0 ? RowCode.MOVE_64 : toSpace ? RowCode.SUB_64 : RowCode.ADD_64;
        op.d = out.result(in, in.operands().getFirst(), PtxType.U64).row();
        op.wide = true;
        op.a = out.row(in, 1, PtxType.U64);
        op.b = out.scope.constant(true, space.window()).row();
    }

    private void choose(Instruction in, Modifiers modifiers) {
        PtxType type = modifiers.type();
        modifiers.end();
        out.count(in, 4, 4);
        Op op = out.emit(in, Unit.SELECT);
        op.cost = Cost.INTEGER;
        op.d = out.result(in, in.operands().getFirst(), type).row();
        op.wide = type.wide();
        op.a = out.row(in, 1, type);
        op.b = out.row(in, 2, type);
        op.c = out.predicateRow(in, in.operands().get(3));
        op.negateC = Emitter.negated(in.operands().get(3));
    }
}
