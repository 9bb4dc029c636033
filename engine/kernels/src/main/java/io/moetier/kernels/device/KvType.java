package io.moetier.kernels.device;

/// How keys and values are stored.
public enum KvType {
    /// Float16, rounded to nearest even. What lies beyond its range becomes its largest value, 65504: an infinite
    /// key would turn all that follows into NaN, and a large one only loses accuracy.
    F16(Short.BYTES),
    /// Float32: twice the memory, exactly what was computed.
    F32(Float.BYTES);

    private static final float LARGEST_HALF = 65504f;

    private final int bytes;

    KvType(int bytes) {
        this.bytes = bytes;
    }

    /// Returns the bytes of one element.
    public int bytes() {
        return bytes;
    }

    /// Returns the bits of `x` as [#F16] stores it.
    static short half(float x) {
        return Float.floatToFloat16(Math.min(Math.max(x, -LARGEST_HALF), LARGEST_HALF));
    }
}
