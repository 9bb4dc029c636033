package io.moetier.emulator.ptx.text;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Space;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Reads the declaration of a variable or a parameter from its space on, without the semicolon.
public final class DeclarationParser {
    private final Tokens tokens;
    private final InstructionParser instructions;

    public DeclarationParser(Tokens tokens) {
        this.tokens = tokens;
        this.instructions = new InstructionParser(tokens);
    }

    public Declaration read() {
        int line = tokens.line();
        Space space = Space.of(tokens.next().text().substring(1));
        if (space == null) {
            throw tokens.refuse(line, "not a variable that is known");
        }
        int alignment = 0;
        int lanes = 1;
        PtxType type = null;
        while (!tokens.peek().isWord()) {
            String word = tokens.next().text();
            switch (word) {
                case ".align" -> alignment = Math.toIntExact(tokens.number());
                case ".v2" -> lanes = 2;
                case ".v4" -> lanes = 4;
                case ".ptr" -> skipPointee();
                default -> type = type(line, word);
            }
        }
        if (type == null) {
            throw tokens.refuse(line, "a variable without a type");
        }
        String name = tokens.next().text();
        long count = lanes * count();
        MemorySegment initial = tokens.take("=") ? initial(line, type) : null;
        long bytes = Math.multiplyExact(count, type.bytes);
        return new Declaration(line, space, type, Math.max(alignment, type.bytes * lanes), name, bytes, initial);
    }

    private PtxType type(int line, String word) {
        PtxType type = word.startsWith(".") ? PtxType.of(word.substring(1)) : null;
        if (type == null) {
            throw tokens.refuse(line, "'" + word + "' is no type of a variable that is known");
        }
        return type;
    }

    /// Takes the space and alignment of what a pointer points to, which change nothing.
    private void skipPointee() {
        if (Space.of(tokens.peek().text().substring(1)) != null) {
            tokens.next();
        }
        if (tokens.take(".align")) {
            tokens.number();
        }
    }

    /// Reads `[2][3]` as 6, `[]` as 0, and nothing as 1.
    private long count() {
        long count = 1;
        while (tokens.take("[")) {
            count = Math.multiplyExact(count, tokens.peek().is("]") ? 0 : tokens.number());
            tokens.expect("]");
        }
        return count;
    }

    private MemorySegment initial(int line, PtxType type) {
        List<Operand.Literal> values = new ArrayList<>();
        elements(values);
        ByteBuffer bytes = ByteBuffer.allocate(values.size() * type.bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (Operand.Literal value : values) {
            long bits = literal(value, type);
            switch (type.bytes) {
                case 1 -> bytes.put((byte) bits);
                case 2 -> bytes.putShort((short) bits);
                case 4 -> bytes.putInt((int) bits);
                case 8 -> bytes.putLong(bits);
                default -> throw tokens.refuse(line, "cannot be initialised");
            }
        }
        return MemorySegment.ofArray(bytes.array()).asReadOnly();
    }

    private void elements(List<Operand.Literal> values) {
        if (tokens.take("{")) {
            do {
                elements(values);
            } while (tokens.take(","));
            tokens.expect("}");
        } else if (tokens.peek().isNumber() || tokens.peek().is("-")) {
            values.add(instructions.number());
        } else {
            throw tokens.refuse("only numbers can initialise a variable");
        }
    }

    /// Returns the bits of a literal as a value of `type`.
    public static long literal(Operand.Literal value, PtxType type) {
        if (value.type() == PtxType.F64 && type == PtxType.F32) {
            return Float.floatToRawIntBits((float) Double.longBitsToDouble(value.bits()));
        }
        if (value.type() == PtxType.F32 && type == PtxType.F64) {
            return Double.doubleToRawLongBits(Float.intBitsToFloat((int) value.bits()));
        }
        return value.bits();
    }
}
