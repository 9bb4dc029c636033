package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/// Reads tensors of whole numbers as floats that stand for them exactly.
final class Integers {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Integers() {}

    /// Returns the tensor.
    ///
    /// @throws MalformedModelException if it has other elements
    static RawTensor require(RawTensor tensor) {
        if (!areLong(tensor) && !tensor.dtype().equals(ElementType.I32.name())) {
            throw MalformedModelException.of(
                    tensor.file(), "tensor " + tensor.name() + ": dtype", "I64 or I32", tensor.dtype());
        }
        return tensor;
    }

    /// Returns all elements.
    ///
    /// @param reader fills memory with the tensor's bytes
    /// @throws MalformedModelException if one is a number that no float is
    static float[] read(RawTensor tensor, Consumer<MemorySegment> reader) {
        boolean areLong = areLong(tensor);
        int elementBytes = areLong ? Long.BYTES : Integer.BYTES;
        float[] floats = new float[Math.toIntExact(tensor.byteLength() / elementBytes)];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(tensor.byteLength());
            reader.accept(bytes);
            for (int i = 0; i < floats.length; i++) {
                long number = areLong ? bytes.get(LONG, 8L * i) : bytes.get(INT, 4L * i);
                floats[i] = number;
                if ((long) floats[i] != number) {
                    throw MalformedModelException.of(
                            tensor.file(), "tensor " + tensor.name(), "whole numbers that 32-bit floats hold", number);
                }
            }
        }
        return floats;
    }

    private static boolean areLong(RawTensor tensor) {
        return tensor.dtype().equals(ElementType.I64.name());
    }
}
