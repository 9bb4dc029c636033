package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.code.RowCode;
import io.moetier.emulator.ptx.code.ScalarCode;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Decodes what computes a register from registers of the same type, or nearly.
final class ArithmeticDecoder {
    private final Emitter out;

    ArithmeticDecoder(Emitter out) {
        this.out = out;
    }

    /// Decodes an instruction, if it is one of these.
    boolean decode(Instruction in, String name, Modifiers modifiers) {
        switch (name) {
            case "add",
                    "sub",
                    "mul",
                    "mad",
                    "fma",
                    "div",
                    "rem",
                    "min",
                    "max",
                    "abs",
                    "neg",
                    "rcp",
                    "sqrt",
                    "rsqrt",
                    "ex2",
                    "lg2",
                    "sin",
                    "cos",
                    "tanh",
                    "copysign" -> arithmetic(in, name, modifiers);
            case "mul24", "mad24" -> shortProduct(in, name, modifiers);
            case "and", "or", "xor", "not", "cnot", "shl", "shr", "brev", "popc", "clz", "bfind", "sad", "bfe", "bfi" ->
                bits(in, name, modifiers);
            case "dp4a", "dp2a" -> dotProduct(in, name, modifiers);
            case "lop3", "prmt", "shf", "slct" -> special(in, name, modifiers);
            default -> {
                return false;
            }
        }
        return true;
    }

    /// What becomes of a result before it is stored.
    ///
    /// @param ftz whether subnormal floats become zero, those that come in, too
    /// @param sat whether it is clamped: a float to 0 to 1, a whole number to its type
    private record Ending(Rounding rounding, boolean ftz, boolean sat) {
        static Ending read(Modifiers modifiers) {
            return new Ending(modifiers.rounding(), modifiers.take("ftz"), modifiers.take("sat"));
        }

        /// Rounded once to nearest, nothing cut off.
        boolean isPlain() {
            return rounding == Rounding.NEAREST && !ftz && !sat;
        }
    }

    /// The part of a product of whole numbers that an instruction names.
    private enum Part {
        NONE(""),
        LOW(""),
        HIGH("_HI"),
        WIDE("_WIDE");

        final String suffix; // of its code

        Part(String suffix) {
            this.suffix = suffix;
        }

        static Part read(Modifiers modifiers) {
            return modifiers.take("lo") ? LOW : modifiers.take("hi") ? HIGH : modifiers.take("wide") ? WIDE : NONE;
        }
    }

    /// An arithmetic instruction with its modifiers.
    ///
    /// @param nan whether `min` and `max` are NaN where one of the two is
    private record Form(String name, PtxType type, boolean approximate, Ending ending, boolean nan, Part part) {
        static Form read(String name, Modifiers modifiers) {
            boolean approximate = modifiers.takeAny("approx", "full");
            Ending ending = Ending.read(modifiers);
            boolean nan = modifiers.take("NaN");
            Part part = Part.read(modifiers);
            PtxType type = modifiers.type();
            modifiers.end();
            return new Form(name, type, approximate, ending, nan, part);
        }

        boolean floats() {
            return type.floating() || type.kind == PtxType.Kind.PACKED;
        }

        boolean is(String... names) {
            return List.of(names).contains(name);
        }

        boolean exists() {
            boolean product = !floats() && is("mul", "mad");
            boolean partExists = product == (part != Part.NONE);
            return typeExists() && partExists && modifiersExist() && type != PtxType.PRED && type.bytes > 1;
        }

        private boolean typeExists() {
            return switch (name) {
                case "fma", "rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh", "copysign" -> floats();
                case "rem" -> type.integer();
                case "add", "sub", "mul", "mad", "min", "max", "div" -> floats() || type.integer();
                default -> floats() || type.signed();
            };
        }

        private boolean modifiersExist() {
            boolean directed = is("add", "sub", "mul", "mad", "fma", "div", "rcp", "sqrt") && type.floating();
            boolean rounded = ending.rounding == Rounding.NEAREST || (directed && !type.half());
            boolean approximates = !approximate || (floats() && !is("add", "sub", "mul", "mad", "fma", "min", "max"));
            boolean spreads = !nan || (floats() && is("min", "max"));
            boolean saturates = !ending.sat || (type != PtxType.F64 && (floats() || type == PtxType.S32));
            boolean halves = !type.half() || !is("div", "rcp", "sqrt", "rsqrt", "lg2", "sin", "cos");
            return rounded && approximates && spreads && saturates && halves;
        }

        ScalarCode scalarCode() {
            boolean approximates = approximate || is("rsqrt", "ex2", "lg2", "sin", "cos", "tanh");
            String plainName = name.equals("mad") && floats() ? "fma" : name;
            String prefix = approximates && type != PtxType.F64 ? "APPROX_" : "";
            return ScalarCode.valueOf(prefix + plainName.toUpperCase(Locale.ROOT) + part.suffix + (nan ? "_NAN" : ""));
        }

        Cost cost() {
            return is("rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh", "div")
                    ? Cost.SPECIAL
                    : floats() ? Cost.FP32 : Cost.INTEGER;
        }
    }

    private void arithmetic(Instruction in, String name, Modifiers modifiers) {
        Form form = Form.read(name, modifiers);
        if (!form.exists()) {
            throw out.refuse(in, "no such form of " + name);
        }
        RowCode fast = form.ending.isPlain() && !form.nan
                ? rowCode(name + form.part.suffix, form.type, form.approximate)
                : null;
        Op op = out.emit(in, fast == null ? Unit.LANES : Unit.ROWS);
        op.rowCode = fast == null ? op.rowCode : fast;
        op.scalarCode = form.scalarCode();
        op.rounding = form.ending.rounding;
        op.ftz = form.ending.ftz;
        op.sat = form.ending.sat;
        op.type = form.type;
        op.cost = form.cost();
        rows(in, op, form.part == Part.WIDE ? wider(in, form.type) : form.type);
    }

    /// Sets result and operands; of three operands, only the last is as wide as the result.
    private void rows(Instruction in, Op op, PtxType result) {
        List<Operand> operands = in.operands();
        int expected = operands(op.scalarCode);
        out.count(in, expected + 1, expected + 1);
        KernelScope.Row d = out.result(in, operands.getFirst(), result);
        op.d = d.row();
        op.wide = d.wide();
        op.a = out.row(in, 1, op.type);
        op.wideA = op.type.wide();
        if (expected > 1) {
            op.b = out.row(in, 2, op.type);
            op.wideB = op.type.wide();
        }
        if (expected > 2) {
            op.c = out.row(in, 3, result);
            op.wideC = result.wide();
        }
    }

    private static int operands(ScalarCode code) {
        return switch (code) {
            case MAD, MAD_HI, MAD_WIDE, MAD_24, MAD_24_HI, FMA, SAD -> 3;
            case ADD,
                    SUB,
                    MUL,
                    MUL_HI,
                    MUL_WIDE,
                    MUL_24,
                    MUL_24_HI,
                    DIV,
                    APPROX_DIV,
                    REM,
                    MIN,
                    MAX,
                    MIN_NAN,
                    MAX_NAN,
                    AND,
                    OR,
                    XOR,
                    COPYSIGN -> 2;
            default -> 1;
        };
    }

    private static @Nullable RowCode rowCode(String name, PtxType type, boolean approximate) {
        boolean signed = type.signed();
        if (type.integer() && type.bytes == 4) {
            return switch (name) {
                case "add" -> RowCode.ADD_32;
                case "sub" -> RowCode.SUB_32;
                case "mul" -> RowCode.MUL_32;
                case "mad" -> RowCode.MAD_32;
                case "neg" -> RowCode.NEG_32;
                case "abs" -> RowCode.ABS_32;
                case "min" -> signed ? RowCode.MIN_S32 : RowCode.MIN_U32;
                case "max" -> signed ? RowCode.MAX_S32 : RowCode.MAX_U32;
                case "mul_HI" -> signed ? RowCode.MUL_HI_S32 : RowCode.MUL_HI_U32;
                case "mul_WIDE" -> signed ? RowCode.MUL_WIDE_S32 : RowCode.MUL_WIDE_U32;
                case "mad_WIDE" -> signed ? RowCode.MAD_WIDE_S32 : RowCode.MAD_WIDE_U32;
                default -> null;
            };
        }
        if (type.integer() && type.bytes == 8) {
            return switch (name) {
                case "add" -> RowCode.ADD_64;
                case "sub" -> RowCode.SUB_64;
                case "mul" -> RowCode.MUL_64;
                case "mad" -> RowCode.MAD_64;
                default -> null;
            };
        }
        return type == PtxType.F32 ? floatCode(name, approximate) : null;
    }

    private static @Nullable RowCode floatCode(String name, boolean approximate) {
        return switch (name) {
            case "add" -> RowCode.F_ADD;
            case "sub" -> RowCode.F_SUB;
            case "mul" -> RowCode.F_MUL;
            case "fma", "mad" -> RowCode.F_FMA;
            case "div" -> approximate ? null : RowCode.F_DIV;
            case "min" -> RowCode.F_MIN;
            case "max" -> RowCode.F_MAX;
            case "abs" -> RowCode.F_ABS;
            case "neg" -> RowCode.F_NEG;
            case "rcp" -> approximate ? null : RowCode.F_RCP;
            case "sqrt" -> approximate ? null : RowCode.F_SQRT;
            case "rsqrt" -> RowCode.APPROX_RSQRT;
            case "ex2" -> RowCode.APPROX_EX2;
            case "lg2" -> RowCode.APPROX_LG2;
            case "sin" -> RowCode.APPROX_SIN;
            case "cos" -> RowCode.APPROX_COS;
            case "tanh" -> RowCode.APPROX_TANH;
            default -> null;
        };
    }

    private PtxType wider(Instruction in, PtxType type) {
        return switch (type) {
            case U16 -> PtxType.U32;
            case S16 -> PtxType.S32;
            case U32 -> PtxType.U64;
            case S32 -> PtxType.S64;
            default -> throw out.refuse(in, "no product is wider");
        };
    }

    private void shortProduct(Instruction in, String name, Modifiers modifiers) {
        boolean high = modifiers.take("hi");
        boolean low = modifiers.take("lo");
        Op op = out.emit(in, Unit.LANES);
        op.type = modifiers.type();
        modifiers.end();
        if ((op.type != PtxType.S32 && op.type != PtxType.U32) || high == low) {
            throw out.refuse(in, "no such form of " + name);
        }
        op.scalarCode = ScalarCode.valueOf((name.equals("mul24") ? "MUL_24" : "MAD_24") + (high ? "_HI" : ""));
        op.cost = Cost.INTEGER;
        rows(in, op, op.type);
    }

    private void bits(Instruction in, String name, Modifiers modifiers) {
        boolean distance = modifiers.take("shiftamt");
        PtxType type = modifiers.type();
        modifiers.end();
        Op op = out.emit(in, Unit.LANES);
        op.type = type;
        op.cost = Cost.INTEGER;
        op.scalarCode = ScalarCode.valueOf(name.toUpperCase(Locale.ROOT) + (distance ? "_SHIFT" : ""));
        RowCode fast = bitCode(name, type);
        boolean shift = name.equals("shl") || name.equals("shr");
        boolean known = (name.equals("bfe") || name.equals("sad") || name.equals("bfind"))
                ? type.integer() && (type.bytes > 2 || name.equals("sad"))
                : (type.kind == PtxType.Kind.BITS && type.bytes > 1) || (name.equals("shr") && type.integer());
        if (!known || type.bytes == 1 || (distance && !name.equals("bfind"))) {
            throw out.refuse(in, "no such form of " + name);
        }
        switch (name) {
            case "popc", "clz", "bfind" -> {
                out.count(in, 2, 2);
                op.d = out.result(in, in.operands().getFirst(), PtxType.U32).row();
                op.a = out.row(in, 1, type);
                op.wideA = type.wide();
            }
            case "bfe", "bfi" -> field(in, op, name.equals("bfi") ? 1 : 0);
            default -> {
                if (shift) {
                    out.count(in, 3, 3);
                    op.d = out.result(in, in.operands().getFirst(), type).row();
                    op.wide = type.wide();
                    op.a = out.row(in, 1, type);
                    op.wideA = type.wide();
                    op.b = out.row(in, 2, PtxType.U32);
                } else {
                    rows(in, op, type);
                }
            }
        }
        if (fast != null) {
            op.unit = Unit.ROWS;
            op.rowCode = shift ? byLiteral(in, op, fast) : fast;
        }
    }

    /// Most shifts are by a literal within range, which needs no clamping.
    private static RowCode byLiteral(Instruction in, Op op, RowCode code) {
        if (!(in.operands().get(2) instanceof Operand.Literal(long distance, PtxType _))
                || distance < 0
                || distance >= op.type.bits()) {
            return code;
        }
        op.immediate = distance;
        return switch (code) {
            case SHL_32 -> RowCode.SHL_32_BY;
            case SHR_S32 -> RowCode.SHR_S32_BY;
            case SHR_U32 -> RowCode.SHR_U32_BY;
            case SHL_64 -> RowCode.SHL_64_BY;
            case SHR_U64 -> RowCode.SHR_U64_BY;
            default -> code;
        };
    }

    private void field(Instruction in, Op op, int inserted) {
        out.count(in, 4 + inserted, 4 + inserted);
        op.d = out.result(in, in.operands().getFirst(), op.type).row();
        op.wide = op.type.wide();
        op.a = out.row(in, 1, op.type);
        op.wideA = op.wide;
        if (inserted > 0) {
            op.b = out.row(in, 2, op.type);
            op.wideB = op.wide;
        }
        int position = out.row(in, 2 + inserted, PtxType.U32);
        int length = out.row(in, 3 + inserted, PtxType.U32);
        op.c = inserted > 0 ? position : length;
        if (inserted > 0) {
            op.e = length;
        } else {
            op.b = position;
        }
    }

    private static @Nullable RowCode bitCode(String name, PtxType type) {
        if (type.bytes != 4 && type.bytes != 8) {
            return null;
        }
        boolean wide = type.wide();
        return switch (name) {
            case "and" -> wide ? RowCode.AND_64 : RowCode.AND_32;
            case "or" -> wide ? RowCode.OR_64 : RowCode.OR_32;
            case "xor" -> wide ? RowCode.XOR_64 : RowCode.XOR_32;
            case "not" -> wide ? RowCode.NOT_64 : RowCode.NOT_32;
            case "shl" -> wide ? RowCode.SHL_64 : RowCode.SHL_32;
            case "shr" ->
                type.signed() ? wide ? RowCode.SHR_S64 : RowCode.SHR_S32 : wide ? RowCode.SHR_U64 : RowCode.SHR_U32;
            case "popc" -> wide ? null : RowCode.POPC_32;
            default -> null;
        };
    }

    private void dotProduct(Instruction in, String name, Modifiers modifiers) {
        boolean upper = modifiers.take("hi");
        boolean lower = modifiers.take("lo");
        PtxType b = modifiers.type();
        PtxType a = modifiers.type();
        modifiers.end();
        if ((a != PtxType.S32 && a != PtxType.U32) || (b != PtxType.S32 && b != PtxType.U32)) {
            throw out.refuse(in, "no such form of " + name);
        }
        boolean four = name.equals("dp4a");
        if (four ? upper || lower : upper == lower) {
            throw out.refuse(in, "no such form of " + name);
        }
        Op op = out.emit(in, four ? Unit.ROWS : Unit.LANES);
        out.count(in, 4, 4);
        op.type = a;
        op.from = b;
        op.scalarCode = upper ? ScalarCode.DP2A_HI : ScalarCode.DP2A_LO;
        op.rowCode = a.signed()
                ? b.signed() ? RowCode.DP4A_SS : RowCode.DP4A_SU
                : b.signed() ? RowCode.DP4A_US : RowCode.DP4A_UU;
        op.cost = Cost.DOT_PRODUCT;
        op.d = out.result(in, in.operands().getFirst(), PtxType.B32).row();
        op.a = out.row(in, 1, PtxType.B32);
        op.b = out.row(in, 2, PtxType.B32);
        op.c = out.row(in, 3, PtxType.B32);
    }

    private void special(Instruction in, String name, Modifiers modifiers) {
        Op op = out.emit(in, name.equals("slct") ? Unit.LANES : Unit.ROWS);
        op.cost = Cost.INTEGER;
        switch (name) {
            case "lop3" -> {
                op.rowCode = RowCode.LOP3;
                op.immediate = literal(in, 4);
                out.count(in, 5, 5);
            }
            case "prmt" -> {
                op.rowCode = RowCode.BYTES_PERMUTE;
                op.immediate = permutation(modifiers);
                out.count(in, 4, 4);
            }
            case "shf" -> {
                op.rowCode = modifiers.take("l") ? RowCode.FUNNEL_LEFT : RowCode.FUNNEL_RIGHT;
                modifiers.take("r");
                op.immediate = modifiers.take("wrap") ? 1 : 0;
                modifiers.take("clamp");
                out.count(in, 4, 4);
            }
            default -> {
                select(in, op, modifiers);
                return;
            }
        }
        if (modifiers.type() != PtxType.B32) {
            throw out.refuse(in, "no such form of " + name);
        }
        modifiers.end();
        op.d = out.result(in, in.operands().getFirst(), PtxType.B32).row();
        op.a = out.row(in, 1, PtxType.B32);
        op.b = out.row(in, 2, PtxType.B32);
        op.c = out.row(in, 3, PtxType.B32);
    }

    private static int permutation(Modifiers modifiers) {
        String[] modes = {"", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
        for (int mode = 1; mode < modes.length; mode++) {
            if (modifiers.take(modes[mode])) {
                return mode;
            }
        }
        return 0;
    }

    private void select(Instruction in, Op op, Modifiers modifiers) {
        op.ftz = modifiers.take("ftz");
        op.from = modifiers.type();
        op.type = modifiers.type();
        modifiers.end();
        if ((op.from != PtxType.S32 && op.from != PtxType.F32) || op.type.bytes < 2) {
            throw out.refuse(in, "no such form of slct");
        }
        out.count(in, 4, 4);
        op.scalarCode = ScalarCode.SLCT;
        op.d = out.result(in, in.operands().getFirst(), op.type).row();
        op.wide = op.type.wide();
        op.a = out.row(in, 1, op.type);
        op.b = out.row(in, 2, op.type);
        op.c = out.row(in, 3, op.from);
        op.wideA = op.wide;
        op.wideB = op.wide;
    }

    private long literal(Instruction in, int index) {
        if (in.operands().size() > index && in.operands().get(index) instanceof Operand.Literal number) {
            return number.bits();
        }
        throw out.refuse(in, "expected a number");
    }
}
