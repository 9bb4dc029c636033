package io.moetier.emulator.ptx.run;

import static io.moetier.emulator.ptx.code.PtxType.B32;
import static io.moetier.emulator.ptx.code.PtxType.S16;
import static io.moetier.emulator.ptx.code.PtxType.S32;
import static io.moetier.emulator.ptx.code.PtxType.S64;
import static io.moetier.emulator.ptx.code.PtxType.U16;
import static io.moetier.emulator.ptx.code.PtxType.U32;
import static io.moetier.emulator.ptx.code.PtxType.U64;

import io.moetier.emulator.ptx.code.PtxType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BinaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Integer and bit instructions against their definitions in the PTX ISA, on unbounded integers.
class IntegerInstructionTest {
    private static final long[] EDGES = {
        0,
        1,
        2,
        3,
        31,
        32,
        33,
        63,
        64,
        0x7fff,
        0x8000,
        0xffff,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -2,
        0x0123456789abcdefL
    };

    @ParameterizedTest
    @EnumSource(names = {"U16", "S16", "U32", "S32", "U64", "S64"})
    void arithmeticWraps(PtxType type) {
        two("add", type, BigInteger::add);
        two("sub", type, BigInteger::subtract);
        two("mul.lo", type, BigInteger::multiply);
        two("mul.hi", type, (a, b) -> a.multiply(b).shiftRight(type.bits()));
        two("min", type, BigInteger::min);
        two("max", type, BigInteger::max);
        three("mad.lo", type, (a, b, c) -> a.multiply(b).add(c));
        three("mad.hi", type, (a, b, c) -> a.multiply(b).shiftRight(type.bits()).add(c));
        three("sad", type, (a, b, c) -> a.subtract(b).abs().add(c));
        two("div", type, (a, b) -> b.signum() == 0 ? BigInteger.ONE.negate() : a.divide(b));
        two("rem", type, (a, b) -> b.signum() == 0 ? a : a.remainder(b));
    }

    @ParameterizedTest
    @EnumSource(names = {"S16", "S32", "S64"})
    void signsAreTurned(PtxType type) {
        one("neg", type, x -> value(type, x).negate().longValue());
        one("abs", type, x -> value(type, x).abs().longValue());
    }

    @ParameterizedTest
    @EnumSource(names = {"U16", "S16", "U32", "S32"})
    void wideProductsAreWhole(PtxType type) {
        PtxType wider = type == U16 ? U32 : type == S16 ? S32 : type == U32 ? U64 : S64;
        InstructionLab.check(
                "mul.wide" + dot(type),
                wider,
                List.of(type, type),
                rows(2, type),
                x -> value(type, x[0]).multiply(value(type, x[1])).longValue());
        InstructionLab.check(
                "mad.wide" + dot(type),
                wider,
                List.of(type, type, wider),
                rows(3, type),
                x -> value(type, x[0])
                        .multiply(value(type, x[1]))
                        .add(value(wider, x[2]))
                        .longValue());
    }

    @ParameterizedTest
    @EnumSource(names = {"U32", "S32"})
    void shortProductsUse24Bits(PtxType type) {
        java.util.function.LongFunction<BigInteger> low =
                x -> BigInteger.valueOf(type == S32 ? x << 40 >> 40 : x & 0xffffff);
        check2(
                "mul24.lo" + dot(type),
                type,
                x -> low.apply(x[0]).multiply(low.apply(x[1])).longValue());
        check2(
                "mul24.hi" + dot(type),
                type,
                x -> low.apply(x[0]).multiply(low.apply(x[1])).shiftRight(16).longValue());
        InstructionLab.check(
                "mad24.lo" + dot(type),
                type,
                List.of(type, type, type),
                rows(3, type),
                x -> low.apply(x[0])
                        .multiply(low.apply(x[1]))
                        .add(value(type, x[2]))
                        .longValue());
    }

    @ParameterizedTest
    @ValueSource(strings = {"add.sat.s32", "sub.sat.s32"})
    void saturatedSumsStayInRange(String opcode) {
        check2(opcode, S32, x -> {
            long a = (int) x[0];
            long b = (int) x[1];
            return Math.clamp(opcode.startsWith("add") ? a + b : a - b, Integer.MIN_VALUE, Integer.MAX_VALUE);
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"B16", "B32", "B64"})
    void bitsAreCombined(PtxType type) {
        check2("and" + dot(type), type, x -> x[0] & x[1]);
        check2("or" + dot(type), type, x -> x[0] | x[1]);
        check2("xor" + dot(type), type, x -> x[0] ^ x[1]);
        one("not", type, x -> ~x);
        one("cnot", type, x -> (x & InstructionLab.mask(type)) == 0 ? 1 : 0);
    }

    @ParameterizedTest
    @EnumSource(names = {"B16", "B32", "B64", "U16", "U32", "U64", "S16", "S32", "S64"})
    void distancesOfShiftsAreClamped(PtxType type) {
        String name = type.integer() ? "shr" : "shl";
        List<long[]> rows = new ArrayList<>();
        for (long value : EDGES) {
            for (long distance : new long[] {0, 1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 0xffffffffL}) {
                rows.add(new long[] {value & InstructionLab.mask(type), distance});
            }
        }
        InstructionLab.check(name + dot(type), type, List.of(type, U32), rows, x -> {
            int distance = (int) Math.min(x[1], 100);
            BigInteger a = value(type, x[0]);
            return (name.equals("shl") ? a.shiftLeft(distance) : a.shiftRight(distance)).longValue();
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"B16", "B32", "B64", "U16", "U32", "U64", "S16", "S32", "S64"})
    void literalDistancesAreClampedToo(PtxType type) {
        String name = type.integer() ? "shr" : "shl";
        for (int distance : new int[] {0, 1, 8, 31, 32, 63, 64, 100}) {
            List<long[]> rows = rows(1, type);
            String instruction = name + dot(type) + " %d, %x0, " + distance;
            long[] found = InstructionLab.runWith(instruction, type, List.of(type), rows);
            InstructionLab.compare(instruction, type, rows, x -> shifted(type, x[0], distance), found);
        }
    }

    private static long shifted(PtxType type, long bits, int distance) {
        BigInteger a = value(type, bits);
        return (type.integer() ? a.shiftRight(distance) : a.shiftLeft(distance)).longValue();
    }

    @ParameterizedTest
    @EnumSource(names = {"B32", "B64"})
    void bitsAreCounted(PtxType type) {
        count("popc", type, x -> Long.bitCount(x & InstructionLab.mask(type)));
        count("clz", type, x -> Long.numberOfLeadingZeros(x & InstructionLab.mask(type)) - (64 - type.bits()));
        one("brev", type, x -> {
            long result = 0;
            for (int i = 0; i < type.bits(); i++) {
                result |= (x >>> i & 1) << (type.bits() - 1 - i);
            }
            return result;
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"U32", "S32", "U64", "S64"})
    void highestBitIsFound(PtxType type) {
        count("bfind", type, x -> found(type, x));
        count("bfind.shiftamt", type, x -> found(type, x) < 0 ? -1 : type.bits() - 1 - found(type, x));
    }

    private static long found(PtxType type, long bits) {
        BigInteger value = value(type, bits);
        return (value.signum() < 0 ? value.not() : value).bitLength() - 1L;
    }

    @ParameterizedTest
    @EnumSource(names = {"U32", "S32", "U64", "S64"})
    void fieldsAreExtractedBitByBit(PtxType type) {
        InstructionLab.check("bfe" + dot(type), type, List.of(type, U32, U32), fields(type, 1), x -> {
            int last = type.bits() - 1;
            int position = (int) x[1] & 0xff;
            int length = (int) x[2] & 0xff;
            boolean sign = type.signed() && length > 0 && bit(x[0], Math.min(position + length - 1, last));
            long result = 0;
            for (int i = 0; i <= last; i++) {
                boolean set = (i < length && position + i <= last) ? bit(x[0], position + i) : sign;
                result |= set ? 1L << i : 0;
            }
            return result;
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"B32", "B64"})
    void fieldsAreInsertedBitByBit(PtxType type) {
        InstructionLab.check("bfi" + dot(type), type, List.of(type, type, U32, U32), fields(type, 2), x -> {
            long result = x[1];
            for (int i = 0; i < (x[3] & 0xff) && (x[2] & 0xff) + i < type.bits(); i++) {
                int at = (int) (x[2] & 0xff) + i;
                result = (result & ~(1L << at)) | (bit(x[0], i) ? 1L << at : 0);
            }
            return result;
        });
    }

    private static boolean bit(long value, int index) {
        return (value >>> index & 1) != 0;
    }

    private static List<long[]> fields(PtxType type, int values) {
        List<long[]> rows = new ArrayList<>();
        long[] numbers = {0, 1, 5, 8, 16, 31, 32, 33, 40, 63, 64, 65, 255, 256 + 4};
        for (long a : new long[] {0x0123456789abcdefL, -1, 0xf0f0f0f0f0f0f0f0L, 0x7fffffff80000000L}) {
            for (long position : numbers) {
                for (long length : numbers) {
                    long kept = a & InstructionLab.mask(type);
                    rows.add(
                            values == 1
                                    ? new long[] {kept, position, length}
                                    : new long[] {kept, ~a >> 3 & InstructionLab.mask(type), position, length});
                }
            }
        }
        return rows;
    }

    @ParameterizedTest
    @ValueSource(ints = {0x80, 0xfe, 0x96, 0xe8, 0x1, 0x2c, 0xca, 0xff, 0})
    void lop3LooksUpEachTripleOfBits(int table) {
        List<long[]> rows = InstructionLab.random(3, B32, 200);
        InstructionLab.Reference reference = x -> {
            long result = 0;
            for (int i = 0; i < 32; i++) {
                int index = (bit(x[0], i) ? 4 : 0) | (bit(x[1], i) ? 2 : 0) | (bit(x[2], i) ? 1 : 0);
                result |= bit(table, index) ? 1L << i : 0;
            }
            return result;
        };
        long[] found =
                InstructionLab.runWith("lop3.b32 %d, %x0, %x1, %x2, " + table, B32, List.of(B32, B32, B32), rows);
        InstructionLab.compare("lop3 " + table, B32, rows, reference, found);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".f4e", ".b4e", ".rc8", ".ecl", ".ecr", ".rc16"})
    void prmtPicksBytes(String mode) {
        List<long[]> rows = InstructionLab.random(3, B32, 500);
        InstructionLab.check("prmt.b32" + mode, B32, List.of(B32, B32, B32), rows, x -> {
            long bytes = x[0] | x[1] << 32;
            long result = 0;
            for (int i = 0; i < 4; i++) {
                int choice = choice(mode, (int) x[2], i);
                byte value = (byte) (bytes >>> (8 * (choice & 7)));
                long kept = (choice & 8) == 0 ? value & 0xff : value < 0 ? 0xff : 0;
                result |= kept << (8 * i);
            }
            return result;
        });
    }

    /// The tables of the ISA: which byte the modes take for byte `i` of the result.
    private static int choice(String mode, int c, int i) {
        int n = c & 3;
        return switch (mode) {
            case ".f4e" -> n + i;
            case ".b4e" -> n - i & 7;
            case ".rc8" -> n;
            case ".ecl" -> Math.max(n, i);
            case ".ecr" -> Math.min(n, i);
            case ".rc16" -> (n & 1) * 2 + (i & 1);
            default -> c >>> (4 * i) & 15;
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"l.clamp", "l.wrap", "r.clamp", "r.wrap"})
    void funnelsShiftTwoRegisters(String mode) {
        List<long[]> rows = new ArrayList<>();
        for (long distance : new long[] {0, 1, 7, 31, 32, 33, 64, 0xffffffffL}) {
            rows.add(new long[] {0x89abcdefL, 0x01234567L, distance});
            rows.add(new long[] {0xffffffffL, 0x80000000L, distance});
        }
        InstructionLab.check("shf." + mode + ".b32", B32, List.of(B32, B32, U32), rows, x -> {
            int n = (int) (mode.endsWith("wrap") ? x[2] & 31 : Math.min(x[2], 32));
            BigInteger pair = new BigInteger(Long.toUnsignedString(x[0] | x[1] << 32));
            return mode.startsWith("l")
                    ? pair.shiftLeft(n).shiftRight(32).longValue()
                    : pair.shiftRight(n).longValue();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"s32.s32", "s32.u32", "u32.s32", "u32.u32"})
    void dotProductsMultiplyBytes(String types) {
        boolean signedA = types.startsWith("s");
        boolean signedB = types.contains(".s");
        List<long[]> rows = InstructionLab.random(3, B32, 300);
        rows.add(new long[] {0x80808080L, 0x80808080L, 0x7fffffffL});
        InstructionLab.check("dp4a." + types, S32, List.of(B32, B32, B32), rows, x -> {
            long sum = (int) x[2];
            for (int i = 0; i < 32; i += 8) {
                sum += part(x[0] >>> i, 8, signedA) * part(x[1] >>> i, 8, signedB);
            }
            return sum;
        });
        for (int half = 0; half < 2; half++) {
            int first = 16 * half;
            InstructionLab.check(
                    (half == 0 ? "dp2a.lo." : "dp2a.hi.") + types,
                    S32,
                    List.of(B32, B32, B32),
                    rows,
                    x -> (int) x[2]
                            + part(x[0], 16, signedA) * part(x[1] >>> first, 8, signedB)
                            + part(x[0] >>> 16, 16, signedA) * part(x[1] >>> (first + 8), 8, signedB));
        }
    }

    private static long part(long bits, int width, boolean signed) {
        int shift = 64 - width;
        return signed ? bits << shift >> shift : bits << shift >>> shift;
    }

    @ParameterizedTest
    @EnumSource(names = {"B16", "B32", "B64"})
    void slctAsksForTheSign(PtxType type) {
        List<long[]> rows = new ArrayList<>();
        for (long c : new long[] {0, 1, 0x7fffffffL, 0x80000000L, 0xffffffffL}) {
            rows.add(new long[] {11, 22, c});
        }
        InstructionLab.check(
                "slct" + dot(type) + ".s32", type, List.of(type, type, S32), rows, x -> (int) x[2] >= 0 ? x[0] : x[1]);
        InstructionLab.check("slct" + dot(type) + ".f32", type, List.of(type, type, B32), rows, x -> {
            float c = Float.intBitsToFloat((int) x[2]);
            return c >= 0 ? x[0] : x[1];
        });
    }

    private interface Ternary {
        BigInteger apply(BigInteger a, BigInteger b, BigInteger c);
    }

    private static void one(String name, PtxType type, java.util.function.LongUnaryOperator operator) {
        InstructionLab.check(name + dot(type), type, List.of(type), rows(1, type), x -> operator.applyAsLong(x[0]));
    }

    private static void count(String name, PtxType type, java.util.function.LongUnaryOperator operator) {
        InstructionLab.check(name + dot(type), U32, List.of(type), rows(1, type), x -> operator.applyAsLong(x[0]));
    }

    private static void two(String name, PtxType type, BinaryOperator<BigInteger> operator) {
        check2(
                name + dot(type),
                type,
                x -> operator.apply(value(type, x[0]), value(type, x[1])).longValue());
    }

    private static void check2(String opcode, PtxType type, InstructionLab.Reference reference) {
        InstructionLab.check(opcode, type, List.of(type, type), rows(2, type), reference);
    }

    private static void three(String name, PtxType type, Ternary operator) {
        InstructionLab.check(
                name + dot(type),
                type,
                List.of(type, type, type),
                rows(3, type),
                x -> operator.apply(value(type, x[0]), value(type, x[1]), value(type, x[2]))
                        .longValue());
    }

    private static List<long[]> rows(int operands, PtxType type) {
        long[] values = operands < 3 ? EDGES : new long[] {0, 1, -1, Long.MIN_VALUE, 0x80008000L, 0x7fff7fff7fffL};
        List<long[]> rows = InstructionLab.combinations(operands, values);
        rows.forEach(row -> {
            for (int i = 0; i < row.length; i++) {
                row[i] &= InstructionLab.mask(type);
            }
        });
        rows.addAll(InstructionLab.random(operands, type, 100));
        return rows;
    }

    private static BigInteger value(PtxType type, long bits) {
        BigInteger unsigned = new BigInteger(Long.toUnsignedString(bits & InstructionLab.mask(type)));
        boolean negative = type.signed() && unsigned.testBit(type.bits() - 1);
        return negative ? unsigned.subtract(BigInteger.ONE.shiftLeft(type.bits())) : unsigned;
    }

    private static String dot(PtxType type) {
        return "." + type.name().toLowerCase(Locale.ROOT);
    }
}
