package io.moetier.lab.synthetic;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/// Random weights of mean zero and a given standard deviation, made as blocks of their type and never as floats.
///
/// The codes of a block are random bits; its scale is fixed but for a random sign, without which the types whose codes
/// are not centred would add the same amount to every row, and the layers would amplify it.
final class RandomWeights {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int SIGN = 0x8000;
    private static final List<DType> TYPES =
            List.of(DType.F32, DType.BF16, DType.Q8_0, DType.Q4_0, DType.Q4_1, DType.Q4_K, DType.Q6_K);

    /// Standard deviations at scale 1 of what random bits decode to.
    private static final double ODD_BYTE = Math.sqrt((128.0 * 128 - 1) / 3);
    private static final double NIBBLE = Math.sqrt((16.0 * 16 - 1) / 12);
    private static final double BYTE_TIMES_6_BITS = Math.sqrt(21845.0 / 4 * (341.25 + 0.25));
    private static final double NIBBLE_MEAN = 7.5;
    private static final double NIBBLE_WITH_MINIMUM = 258.3;

    private final SplittableRandom random;

    RandomWeights(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /// Returns the type of this name.
    ///
    /// @throws IllegalArgumentException if there is no way to make it
    static DType type(String label) {
        return TYPES.stream()
                .filter(type -> type.label().equals(label))
                .findFirst()
                .orElseThrow(() -> unknown(label));
    }

    private static InvalidOptionException unknown(String label) {
        return new InvalidOptionException(
                "type",
                "expected one of " + TYPES.stream().map(DType::label).collect(Collectors.joining(", ")) + ", found "
                        + label);
    }

    /// Fills `blocks`, which holds whole blocks of the type.
    ///
    /// @throws IllegalArgumentException if there is no way to make that type
    void fill(DType dtype, double deviation, MemorySegment blocks) {
        switch (dtype) {
            case F32, BF16 -> fillFloats(dtype, deviation, blocks);
            case Q8_0 -> {
                fillBits(blocks, 0x0101010101010101L); // odd codes are symmetric about zero, and -128 is not among them
                setScales(blocks, dtype.blockBytes(), 0, deviation / ODD_BYTE);
            }
            case Q4_0 -> {
                fillBits(blocks, 0);
                setScales(blocks, dtype.blockBytes(), 0, deviation / NIBBLE);
            }
            case Q4_1 -> {
                fillBits(blocks, 0);
                setScalesWithMinimum(blocks, dtype.blockBytes(), deviation / NIBBLE, -NIBBLE_MEAN);
            }
            case Q4_K -> {
                fillBits(blocks, 0);
                setScalesWithMinimum(blocks, dtype.blockBytes(), deviation / NIBBLE_WITH_MINIMUM, NIBBLE_MEAN);
            }
            case Q6_K -> {
                fillBits(blocks, 0);
                setScales(blocks, dtype.blockBytes(), dtype.blockBytes() - Short.BYTES, deviation / BYTE_TIMES_6_BITS);
            }
            default -> throw unknown(dtype.label());
        }
    }

    private void fillBits(MemorySegment blocks, long ones) {
        long size = blocks.byteSize();
        long at = 0;
        for (; at <= size - Long.BYTES; at += Long.BYTES) {
            blocks.set(LONG, at, random.nextLong() | ones);
        }
        for (; at < size; at++) {
            blocks.set(ValueLayout.JAVA_BYTE, at, (byte) (random.nextInt() | ones));
        }
    }

    /// Replaces the scale of each block, whose random bits lend their sign.
    private static void setScales(MemorySegment blocks, int blockBytes, int at, double scale) {
        int bits = Float.floatToFloat16((float) scale);
        for (long i = at; i < blocks.byteSize(); i += blockBytes) {
            blocks.set(SHORT, i, (short) ((blocks.get(SHORT, i) & SIGN) | bits));
        }
    }

    /// Also the minima, or their scale, as so many scales that the mean is zero.
    private static void setScalesWithMinimum(MemorySegment blocks, int blockBytes, double scale, double minimumScales) {
        int bits = Float.floatToFloat16((float) scale);
        int minimum = Float.floatToFloat16((float) (minimumScales * scale));
        for (long i = 0; i < blocks.byteSize(); i += blockBytes) {
            int sign = blocks.get(SHORT, i) & SIGN;
            blocks.set(SHORT, i, (short) (sign | bits));
            blocks.set(SHORT, i + Short.BYTES, (short) (sign ^ minimum));
        }
    }

    private void fillFloats(DType dtype, double deviation, MemorySegment floats) {
        double bound = Math.sqrt(3) * deviation;
        for (long at = 0; at < floats.byteSize(); at += dtype.blockBytes()) {
            int bits = Float.floatToRawIntBits((float) random.nextDouble(-bound, bound));
            if (dtype == DType.F32) {
                floats.set(INT, at, bits);
            } else {
                floats.set(SHORT, at, (short) (bits >>> 16));
            }
        }
    }
}
