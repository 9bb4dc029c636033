package io.moetier.emulator.ptx.text;

import io.moetier.emulator.ptx.code.PtxType;

/// Reads PTX's literals: decimal, hexadecimal, octal and binary integers, `0f` and `0d` bit patterns, plain decimals.
final class Numbers {
    private Numbers() {}

    static Operand.Literal parse(Tokens tokens, Token token) {
        String text = token.text();
        try {
            if (text.length() == 10 && (text.startsWith("0f") || text.startsWith("0F"))) {
                return new Operand.Literal(Long.parseLong(text, 2, 10, 16), PtxType.F32);
            }
            if (text.length() == 18 && (text.startsWith("0d") || text.startsWith("0D"))) {
                return new Operand.Literal(Long.parseUnsignedLong(text, 2, 18, 16), PtxType.F64);
            }
            if (text.indexOf('.') >= 0) {
                return new Operand.Literal(Double.doubleToRawLongBits(Double.parseDouble(text)), PtxType.F64);
            }
            return new Operand.Literal(integer(text), PtxType.S64);
        } catch (NumberFormatException e) {
            throw tokens.refuse(token.line(), "'" + text + "' is no number");
        }
    }

    private static long integer(String literal) {
        boolean marked = literal.endsWith("U") || literal.endsWith("u");
        String text = marked ? literal.substring(0, literal.length() - 1) : literal;
        if (text.startsWith("0x") || text.startsWith("0X")) {
            return Long.parseUnsignedLong(text.substring(2), 16);
        }
        if (text.startsWith("0b") || text.startsWith("0B")) {
            return Long.parseUnsignedLong(text.substring(2), 2);
        }
        boolean octal = text.length() > 1 && text.charAt(0) == '0';
        return Long.parseUnsignedLong(text, octal ? 8 : 10);
    }
}
