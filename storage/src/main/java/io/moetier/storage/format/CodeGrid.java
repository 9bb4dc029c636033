package io.moetier.storage.format;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.Objects;

/// The points that types of few bits choose from: four or eight neighbouring weights have one code.
///
/// The points are data of ggml's definition of the types. They are kept as it could have been: a point is sixteen bits,
/// eight codes of two bits or four of three, the first one lowest, and the codes stand for few values.
@SuppressWarnings("ImmutableEnumChecker") // nobody changes the arrays
public enum CodeGrid {
    IQ2_XXS(0, 256, 8, 25, 43, 0),
    IQ2_XS(256, 512, 8, 25, 43, 0),
    IQ2_S(768, 1024, 8, 25, 43, 0),
    IQ3_XXS(1792, 256, 4, 12, 20, 28, 36, 44, 52, 62),
    IQ3_S(2048, 512, 1, 3, 5, 7, 9, 11, 13, 15),
    /// Also of `IQ1_M`.
    IQ1(2560, 2048, -1, 0, 1, 0);

    private static final String RESOURCE = "code-grids.bin";

    private final int[] values;
    private final short[] points;

    CodeGrid(int first, int count, int... values) {
        this.values = values;
        points = new short[count];
        ShortBuffer all = ByteBuffer.wrap(Resource.bytes(RESOURCE))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asShortBuffer();
        all.get(first, points);
    }

    /// Returns how many points there are.
    public int size() {
        return points.length;
    }

    /// Returns the sixteen bits of a point.
    public int point(int index) {
        return points[index] & 0xFFFF;
    }

    /// Returns how many bits a code has.
    private int bits() {
        return values.length == 4 ? 2 : 3;
    }

    /// Returns weight `i` of a point.
    int value(int index, int i) {
        return values[points[index] >> (bits() * i) & (values.length - 1)];
    }

    /// Loaded before the constants are.
    private static final class Resource {
        static byte[] bytes(String name) {
            try (InputStream in = CodeGrid.class.getResourceAsStream(name)) {
                return Objects.requireNonNull(in, name).readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
