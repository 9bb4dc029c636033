package io.moetier.runtime.offload;

import io.moetier.storage.cache.LearntArrays;
import io.moetier.storage.cache.UseEstimator;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/// What an estimator has learnt, as bytes.
public final class LearntBytes implements LearntArrays {
    private enum Way {
        WRITE,
        CHECK,
        READ
    }

    private final Way way;
    private final ByteBuffer buffer;

    private LearntBytes(Way way, ByteBuffer buffer) {
        this.way = way;
        this.buffer = buffer;
    }

    /// Writes what `learner` has learnt, [UseEstimator#keptBytes()], at the position of `to`.
    public static void keep(UseEstimator learner, ByteBuffer to) {
        learner.keep(new LearntBytes(Way.WRITE, to));
    }

    /// Lets `learner` take up the remaining bytes of `from`, which another of the same experts has kept.
    ///
    /// @throws IllegalArgumentException if they are something else; nothing is taken up then
    public static void takeUp(UseEstimator learner, ByteBuffer from) {
        check(learner, from);
        learner.takeUp(from.remaining(), new LearntBytes(Way.READ, from));
    }

    /// Checks that [#takeUp] would take up the remaining bytes of `from`.
    ///
    /// @throws IllegalArgumentException if it would not
    static void check(UseEstimator learner, ByteBuffer from) {
        learner.check(
                from.remaining(), new LearntBytes(Way.CHECK, from.duplicate().order(from.order())));
    }

    @Override
    public void carry(float[] values) {
        FloatBuffer at = part(values.length * Float.BYTES).asFloatBuffer();
        switch (way) {
            case WRITE -> at.put(values);
            case READ -> at.get(values);
            case CHECK -> {
                while (at.hasRemaining()) {
                    require(Float.isFinite(at.get()), "numbers");
                }
            }
        }
    }

    @Override
    public void carry(int[] values, int least, int most) {
        IntBuffer at = part(values.length * Integer.BYTES).asIntBuffer();
        switch (way) {
            case WRITE -> at.put(values);
            case READ -> at.get(values);
            case CHECK -> {
                while (at.hasRemaining()) {
                    int value = at.get();
                    require(value >= least && value <= most, "numbers within their bounds");
                }
            }
        }
    }

    @Override
    public void carry(short[] values, int n) {
        ByteBuffer part = part(n * Short.BYTES);
        switch (way) {
            case WRITE -> part.asShortBuffer().put(values, 0, n);
            case READ -> part.asShortBuffer().get(values, 0, n);
            case CHECK -> {}
        }
    }

    /// Returns the next so many bytes.
    private ByteBuffer part(int bytes) {
        ByteBuffer part = buffer.slice(buffer.position(), bytes).order(buffer.order());
        buffer.position(buffer.position() + bytes);
        return part;
    }

    private static void require(boolean holds, String expected) {
        if (!holds) {
            throw new IllegalArgumentException("expected " + expected);
        }
    }
}
