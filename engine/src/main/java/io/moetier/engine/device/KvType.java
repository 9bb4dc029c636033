package io.moetier.engine.device;

/// How keys and values are stored.
public enum KvType {
    /// Float16, rounded to nearest even. What lies beyond its range becomes its largest value, 65504: an infinite
    /// key would turn all that follows into NaN, and a large one only loses accuracy.
    F16(Short.BYTES),
    /// Float32: twice the memory, exactly what was computed.
    F32(Float.BYTES);

    private final int bytes;

    KvType(int bytes) {
        this.bytes = bytes;
    }

    /// Returns the bytes of one element.
    public int bytes() {
        return bytes;
    }
}
