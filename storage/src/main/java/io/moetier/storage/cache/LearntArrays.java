package io.moetier.storage.cache;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.jspecify.annotations.Nullable;

/// Carries arrays to a buffer or back, one after another. What is kept is told once, for every way, so that writing and
/// reading cannot disagree.
final class LearntArrays {
    private enum Way {
        MEASURE,
        WRITE,
        CHECK,
        READ
    }

    private final Way way;
    private final @Nullable ByteBuffer buffer;
    private long byteSize;

    private LearntArrays(Way way, @Nullable ByteBuffer buffer) {
        this.way = way;
        this.buffer = buffer;
    }

    /// Counts bytes and carries nothing.
    static LearntArrays measuring() {
        return new LearntArrays(Way.MEASURE, null);
    }

    /// Writes at the buffer's position.
    static LearntArrays to(ByteBuffer buffer) {
        return new LearntArrays(Way.WRITE, buffer);
    }

    /// Changes no array, but throws an [IllegalArgumentException] where [#from(ByteBuffer)] would read what cannot be.
    static LearntArrays checking(ByteBuffer buffer) {
        return new LearntArrays(Way.CHECK, buffer);
    }

    /// Reads at the buffer's position what was checked.
    static LearntArrays from(ByteBuffer buffer) {
        return new LearntArrays(Way.READ, buffer);
    }

    /// Returns the bytes of all arrays so far.
    long byteSize() {
        return byteSize;
    }

    void carry(float[] values) {
        ByteBuffer part = part((long) values.length * Float.BYTES);
        if (part != null) {
            FloatBuffer at = part.asFloatBuffer();
            switch (way) {
                case WRITE -> at.put(values);
                case READ -> at.get(values);
                case CHECK -> {
                    while (at.hasRemaining()) {
                        require(Float.isFinite(at.get()), "numbers");
                    }
                }
                case MEASURE -> {}
            }
        }
    }

    /// Carries values that are from `least` to `most`.
    void carry(int[] values, int least, int most) {
        ByteBuffer part = part((long) values.length * Integer.BYTES);
        if (part != null) {
            IntBuffer at = part.asIntBuffer();
            switch (way) {
                case WRITE -> at.put(values);
                case READ -> at.get(values);
                case CHECK -> {
                    while (at.hasRemaining()) {
                        int value = at.get();
                        require(value >= least && value <= most, "numbers within their bounds");
                    }
                }
                case MEASURE -> {}
            }
        }
    }

    /// Carries the first `n` values, which may be any.
    void carry(short[] values, int n) {
        ByteBuffer part = part((long) n * Short.BYTES);
        if (part != null) {
            switch (way) {
                case WRITE -> part.asShortBuffer().put(values, 0, n);
                case READ -> part.asShortBuffer().get(values, 0, n);
                case CHECK, MEASURE -> {}
            }
        }
    }

    /// Returns the next so many bytes of the buffer; null where there is none.
    private @Nullable ByteBuffer part(long bytes) {
        byteSize += bytes;
        if (buffer == null) {
            return null;
        }
        require(bytes <= buffer.remaining(), "more bytes");
        ByteBuffer part = buffer.slice(buffer.position(), (int) bytes).order(buffer.order());
        buffer.position(buffer.position() + (int) bytes);
        return part;
    }

    private static void require(boolean holds, String expected) {
        if (!holds) {
            throw new IllegalArgumentException("expected " + expected);
        }
    }
}
