package io.moetier.storage.format;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/// The element types a safetensors header may name, with the bits of one element.
///
/// Wider than `DType`: a checkpoint may carry counters, masks or position ids that the engine never computes with, and
/// they must not make it unreadable.
enum ElementType {
    F32(32),
    F16(16),
    BF16(16),
    F64(64),
    C64(64),
    F8_E4M3(8),
    F8_E4M3FNUZ(8),
    F8_E5M2(8),
    F8_E5M2FNUZ(8),
    F8_E8M0(8),
    F6_E2M3(6),
    F6_E3M2(6),
    F4(4),
    I64(64),
    I32(32),
    I16(16),
    I8(8),
    U64(64),
    U32(32),
    U16(16),
    U8(8),
    BOOL(8);

    private final int bits;

    ElementType(int bits) {
        this.bits = bits;
    }

    static Optional<ElementType> named(String dtype) {
        return Arrays.stream(values()).filter(type -> type.name().equals(dtype)).findFirst();
    }

    /// Returns all names, for the sentence that refuses another one.
    static String names() {
        return Arrays.stream(values()).map(ElementType::name).collect(Collectors.joining(", "));
    }

    /// Returns the bytes of a tensor of this shape.
    ///
    /// @throws ArithmeticException if they are not a whole number of bytes or do not fit a `long`
    long bytes(Iterable<Long> shape) {
        long elements = 1;
        for (long dimension : shape) {
            elements = Math.multiplyExact(elements, dimension);
        }
        long totalBits = Math.multiplyExact(elements, (long) bits);
        if (totalBits % Byte.SIZE != 0) {
            throw new ArithmeticException(totalBits + " bits are not whole bytes");
        }
        return totalBits / Byte.SIZE;
    }
}
