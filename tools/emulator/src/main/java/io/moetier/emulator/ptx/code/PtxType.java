package io.moetier.emulator.ptx.code;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// A type of PTX that values in registers and memory may have.
public enum PtxType {
    B8(Kind.BITS, 1),
    B16(Kind.BITS, 2),
    B32(Kind.BITS, 4),
    B64(Kind.BITS, 8),
    U8(Kind.UNSIGNED, 1),
    U16(Kind.UNSIGNED, 2),
    U32(Kind.UNSIGNED, 4),
    U64(Kind.UNSIGNED, 8),
    S8(Kind.SIGNED, 1),
    S16(Kind.SIGNED, 2),
    S32(Kind.SIGNED, 4),
    S64(Kind.SIGNED, 8),
    F16(Kind.FLOAT, 2),
    BF16(Kind.FLOAT, 2),
    F32(Kind.FLOAT, 4),
    F64(Kind.FLOAT, 8),
    F16X2(Kind.PACKED, 4),
    BF16X2(Kind.PACKED, 4),
    PRED(Kind.BITS, 0);

    public enum Kind {
        BITS,
        UNSIGNED,
        SIGNED,
        FLOAT,
        PACKED
    }

    public final Kind kind;
    public final int bytes;

    PtxType(Kind kind, int bytes) {
        this.kind = kind;
        this.bytes = bytes;
    }

    /// Returns the type that a modifier names, without its dot, or null.
    public static @Nullable PtxType of(String name) {
        for (PtxType type : values()) {
            if (type.name().toLowerCase(Locale.ROOT).equals(name)) {
                return type;
            }
        }
        return null;
    }

    public int bits() {
        return bytes * Byte.SIZE;
    }

    /// Whether a register of this type is a row of longs.
    public boolean wide() {
        return bytes == Long.BYTES;
    }

    public boolean signed() {
        return kind == Kind.SIGNED;
    }

    public boolean floating() {
        return kind == Kind.FLOAT;
    }

    public boolean integer() {
        return kind == Kind.SIGNED || kind == Kind.UNSIGNED;
    }

    public boolean half() {
        return this == F16 || this == BF16 || kind == Kind.PACKED;
    }

    /// The type of each half of a packed type, else the type itself.
    public PtxType element() {
        return this == F16X2 ? F16 : this == BF16X2 ? BF16 : this;
    }

    /// Returns the lowest bits of `value` as a number of this integer or bit type.
    public long extend(long value) {
        if (wide()) {
            return value;
        }
        int shift = Long.SIZE - bits();
        return signed() ? value << shift >> shift : value << shift >>> shift;
    }
}
