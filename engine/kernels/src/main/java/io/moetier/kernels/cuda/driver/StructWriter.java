package io.moetier.kernels.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/// Writes structs of the kernels' C, field after field in their order, each aligned to its size.
public final class StructWriter {
    private MemorySegment target = MemorySegment.NULL;
    private long at;

    /// Goes to byte `offset` of a segment, a multiple of 8.
    public StructWriter begin(MemorySegment segment, long offset) {
        target = segment;
        at = offset;
        return this;
    }

    /// Writes an address of device memory; 0 for none.
    public StructWriter address(long value) {
        at = (at + 7) & -8;
        target.set(JAVA_LONG, at, value);
        at += Long.BYTES;
        return this;
    }

    public StructWriter number(int value) {
        target.set(JAVA_INT, at, value);
        at += Integer.BYTES;
        return this;
    }

    public StructWriter flag(boolean value) {
        return number(value ? 1 : 0);
    }

    public StructWriter number(float value) {
        target.set(JAVA_FLOAT, at, value);
        at += Float.BYTES;
        return this;
    }

    public StructWriter number(double value) {
        at = (at + 7) & -8;
        target.set(JAVA_DOUBLE, at, value);
        at += Double.BYTES;
        return this;
    }

    /// Returns where the next byte goes.
    public long at() {
        return at;
    }
}
