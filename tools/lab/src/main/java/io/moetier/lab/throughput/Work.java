package io.moetier.lab.throughput;

/// What hardware has to do for some computation.
///
/// @param bytes read from the memory of what computes
/// @param operations multiplications and additions, each of them counted
/// @param diskBytes read from disk
/// @param linkBytes copied to a device
public record Work(double bytes, double operations, double diskBytes, double linkBytes) {
    public static final Work NONE = new Work(0, 0, 0, 0);

    public Work plus(Work other) {
        return new Work(
                bytes + other.bytes,
                operations + other.operations,
                diskBytes + other.diskBytes,
                linkBytes + other.linkBytes);
    }

    /// Returns one of so many equal parts.
    public Work per(double parts) {
        return new Work(bytes / parts, operations / parts, diskBytes / parts, linkBytes / parts);
    }

    /// Returns the operations for each byte of memory.
    public double intensity() {
        return operations / Math.max(1, bytes);
    }
}
