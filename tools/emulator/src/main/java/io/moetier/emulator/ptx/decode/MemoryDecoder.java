package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import java.util.List;

/// Decodes loads, stores, atomics, and what orders them.
final class MemoryDecoder {
    /// Everything happens in order and at once, so that these change nothing.
    private static final String[] ORDER = {
        "weak",
        "volatile",
        "relaxed",
        "acquire",
        "release",
        "acq_rel",
        "sc",
        "mmio",
        "cta",
        "cluster",
        "gpu",
        "sys",
        "nc",
        "ca",
        "cg",
        "cs",
        "lu",
        "cv",
        "wb",
        "wt"
    };
    private static final int MAX_BYTES = 16;

    private final Emitter out;

    MemoryDecoder(Emitter out) {
        this.out = out;
    }

    boolean decode(Instruction in, String name, Modifiers modifiers) {
        switch (name) {
            case "ld", "ldu" -> load(in, modifiers);
            case "st" -> store(in, modifiers);
            case "atom" -> atomic(in, modifiers, true);
            case "red" -> atomic(in, modifiers, false);
            case "membar", "fence", "prefetch", "prefetchu", "nanosleep", "griddepcontrol", "brkpt" -> {
                // orders and hints, which mean nothing where everything happens in order
            }
            case "isspacep" -> isSpace(in, modifiers);
            default -> {
                return false;
            }
        }
        return true;
    }

    private void load(Instruction in, Modifiers modifiers) {
        Op op = out.emit(in, Unit.LOAD);
        List<Operand> elements = access(in, op, modifiers, 0);
        out.address(in, in.operands().get(1), op);
        op.rows = new int[elements.size()];
        for (int i = 0; i < op.rows.length; i++) {
            KernelScope.Row row = out.looseResult(in, elements.get(i), op.type);
            if (row.type().bytes < op.type.bytes || (i > 0 && row.wide() != op.wide)) {
                throw out.refuse(in, "a register is too narrow");
            }
            op.rows[i] = row.row();
            op.wide = row.wide();
            op.from = row.type();
        }
    }

    private void store(Instruction in, Modifiers modifiers) {
        Op op = out.emit(in, Unit.STORE);
        List<Operand> elements = access(in, op, modifiers, 1);
        out.address(in, in.operands().getFirst(), op);
        if (op.space == Space.CONST || op.space == Space.PARAM) {
            throw out.refuse(in, "nothing can be stored there");
        }
        op.rows = new int[elements.size()];
        for (int i = 0; i < op.rows.length; i++) {
            KernelScope.Row row = out.loose(in, elements.get(i), op.type);
            if (row.type().bytes < op.type.bytes || (i > 0 && row.wide() != op.wide)) {
                throw out.refuse(in, "a register is too narrow");
            }
            op.rows[i] = row.row();
            op.wide = row.wide();
        }
    }

    /// Reads the modifiers of an access and returns its one, two or four values.
    private List<Operand> access(Instruction in, Op op, Modifiers modifiers, int values) {
        modifiers.takeAny(ORDER);
        modifiers.dropPrefixed("L1::", "L2::");
        op.space = modifiers.space();
        int lanes = modifiers.take("v2") ? 2 : modifiers.take("v4") ? 4 : 1;
        op.type = modifiers.type();
        modifiers.end();
        out.count(in, 2, 2);
        Operand operand = in.operands().get(values);
        List<Operand> elements = operand instanceof Operand.Vector(List<Operand> parts) ? parts : List.of(operand);
        boolean packed = op.type.kind == PtxType.Kind.PACKED || op.type == PtxType.F16 || op.type == PtxType.BF16;
        if (elements.size() != lanes || lanes * op.type.bytes > MAX_BYTES || op.type == PtxType.PRED || packed) {
            throw out.refuse(in, "no such access to memory");
        }
        return elements;
    }

    private void atomic(Instruction in, Modifiers modifiers, boolean result) {
        modifiers.takeAny(ORDER);
        modifiers.dropPrefixed("L1::", "L2::");
        modifiers.take("noftz");
        Op op = out.emit(in, Unit.ATOMIC);
        op.space = modifiers.space();
        op.type = modifiers.type();
        String name = modifiers.first();
        modifiers.end();
        Op.AtomicCode code = Op.AtomicCode.of(name);
        if (code == null || !atomicExists(code, op.type)) {
            throw out.refuse(in, "no such atomic");
        }
        op.atomic = code;
        op.wide = op.type.wide();
        int first = result ? 1 : 0;
        int count = first + (code == Op.AtomicCode.CAS ? 3 : 2);
        out.count(in, count, count);
        if (result) {
            op.d = out.result(in, in.operands().getFirst(), op.type).row();
        }
        out.address(in, in.operands().get(first), op);
        op.b = out.row(in, first + 1, op.type);
        op.c = code == Op.AtomicCode.CAS ? out.row(in, first + 2, op.type) : op.b;
    }

    private static boolean atomicExists(Op.AtomicCode code, PtxType type) {
        boolean bits = type == PtxType.B32 || type == PtxType.B64;
        return switch (code) {
            case ADD -> (type.integer() && type.bytes >= 4) || type.floating() || type.kind == PtxType.Kind.PACKED;
            case MIN, MAX -> type.integer() && type.bytes >= 4;
            case EXCHANGE -> bits;
            case CAS -> bits || type == PtxType.B16;
            case AND, OR, XOR -> bits;
            case INC, DEC -> type == PtxType.U32;
        };
    }

    private void isSpace(Instruction in, Modifiers modifiers) {
        Op op = out.emit(in, Unit.WARP);
        op.warpCode = Op.WarpCode.IS_SPACE;
        op.space = modifiers.space();
        modifiers.end();
        out.count(in, 2, 2);
        op.d = out.predicateRow(in, in.operands().getFirst());
        op.a = out.row(in, 1, PtxType.U64);
    }
}
