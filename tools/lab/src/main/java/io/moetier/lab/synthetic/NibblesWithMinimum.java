package io.moetier.lab.synthetic;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Turns a row into blocks of `Q4_1`: a scale, a minimum, and 16 bytes, whose low halves are the first 16 values.
final class NibblesWithMinimum {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int ELEMENTS = DType.Q4_1.blockElements();
    private static final int BYTES = DType.Q4_1.blockBytes();
    private static final int CODES_AT = 2 * Short.BYTES;
    private static final int LARGEST = 15;

    private NibblesWithMinimum() {}

    /// Fills `blocks`, which is as long as the row takes.
    static void encode(double[] row, MemorySegment blocks) {
        for (int block = 0; block < row.length / ELEMENTS; block++) {
            encodeBlock(
                    Arrays.copyOfRange(row, block * ELEMENTS, (block + 1) * ELEMENTS), (long) block * BYTES, blocks);
        }
    }

    private static void encodeBlock(double[] values, long at, MemorySegment blocks) {
        double least = Arrays.stream(values).min().orElseThrow();
        double most = Arrays.stream(values).max().orElseThrow();
        short scale = Float.floatToFloat16((float) ((most - least) / LARGEST));
        short minimum = Float.floatToFloat16((float) least);
        blocks.set(SHORT, at, scale);
        blocks.set(SHORT, at + Short.BYTES, minimum);
        for (int i = 0; i < ELEMENTS / 2; i++) {
            int low = code(values[i], scale, minimum);
            int high = code(values[i + ELEMENTS / 2], scale, minimum);
            blocks.set(ValueLayout.JAVA_BYTE, at + CODES_AT + i, (byte) (low | (high << 4)));
        }
    }

    private static int code(double value, short scale, short minimum) {
        float step = Float.float16ToFloat(scale);
        return step == 0 ? 0 : Math.clamp(Math.round((value - Float.float16ToFloat(minimum)) / step), 0, LARGEST);
    }
}
