package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FloatsTest {
    @Test
    void decodesFloat32() {
        float[] decoded = decode(DType.F32, littleEndian(8).putFloat(1.25f).putFloat(-3e38f), 2);
        assertArrayEquals(new float[] {1.25f, -3e38f}, decoded);
    }

    @Test
    void decodesEveryBfloat16AsTheUpperHalfOfAFloat() {
        ByteBuffer bytes = littleEndian(2 << 16);
        for (int bits = 0; bits < 1 << 16; bits++) {
            bytes.putShort((short) bits);
        }
        float[] decoded = decode(DType.BF16, bytes, 1 << 16);
        for (int bits = 0; bits < 1 << 16; bits++) {
            assertEquals(Float.intBitsToFloat(bits << 16), decoded[bits]);
        }
    }

    @Test
    void decodesFloat16WithSubnormalsAndInfinities() {
        ByteBuffer bytes = littleEndian(10)
                .putShort((short) 0x3C00)
                .putShort((short) 0xC000)
                .putShort((short) 0x0001)
                .putShort((short) 0x7BFF)
                .putShort((short) 0xFC00);
        assertArrayEquals(new float[] {1, -2, 0x1p-24f, 65504, Float.NEGATIVE_INFINITY}, decode(DType.F16, bytes, 5));
    }

    @Test
    void decodesFromAnArrayAsFromASegment() {
        byte[] bytes = new byte[4 << 16];
        new Random(1).nextBytes(bytes);
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            int elements = bytes.length / dtype.blockBytes();
            float[] expected = new float[elements + 1];
            float[] decoded = new float[elements + 1];
            Floats.decode(dtype, MemorySegment.ofArray(bytes), elements, expected, 1);
            Floats.decode(dtype, bytes, elements, decoded, 1);
            for (int i = 0; i <= elements; i++) {
                assertEquals(Float.floatToRawIntBits(expected[i]), Float.floatToRawIntBits(decoded[i]), dtype.label());
            }
            assertThrows(IndexOutOfBoundsException.class, () -> Floats.decode(dtype, bytes, elements + 1, decoded, 0));
        }
        assertThrows(IllegalArgumentException.class, () -> Floats.decode(DType.Q8_0, bytes, 32, new float[32], 0));
    }

    @Test
    void decodesBlocksOfQ8() {
        ByteBuffer bytes = littleEndian(68);
        for (int block = 0; block < 2; block++) {
            bytes.putShort(Float.floatToFloat16(block + 0.5f));
            for (int i = 0; i < 32; i++) {
                bytes.put((byte) (i - 128));
            }
        }
        float[] decoded = decode(DType.Q8_0, bytes, 64);
        assertEquals(-64, decoded[0]);
        assertEquals(1.5f * -97, decoded[63]);
    }

    @Test
    void writesFromTheGivenIndexAndNoFurtherThanItsSources() {
        float[] dst = {9, 9, 9};
        MemorySegment one = MemorySegment.ofArray(littleEndian(4).putFloat(1).array());
        Floats.decode(DType.F32, one, 1, dst, 1);
        assertArrayEquals(new float[] {9, 1, 9}, dst);
        assertThrows(IndexOutOfBoundsException.class, () -> Floats.decode(DType.F32, one, 2, dst, 0));
        assertThrows(IllegalArgumentException.class, () -> Floats.decode(DType.Q8_0, one, 31, dst, 0));
    }

    private static ByteBuffer littleEndian(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static float[] decode(DType dtype, ByteBuffer bytes, int elements) {
        float[] decoded = new float[elements];
        Floats.decode(dtype, MemorySegment.ofBuffer(bytes.flip()), elements, decoded, 0);
        return decoded;
    }
}
