package io.moetier.emulator.driver.clock;

/// The generation of a GPU: 8.6 runs PTX for `sm_86` and below.
///
/// Limits are those of the table "Technical Specifications per Compute Capability" in the CUDA C++
/// Programming Guide.
public record ComputeCapability(int major, int minor) {
    /// What a block may have without asking for more.
    public static final int SHARED_BYTES_PER_BLOCK = 48 << 10;

    /// Returns the number as PTX targets write it: 86.
    public int number() {
        return major * 10 + minor;
    }

    /// Returns what a block may have at most.
    public int maxSharedBytesPerBlock() {
        return sharedBytesPerMultiprocessor() - (major >= 8 ? 1 << 10 : 0);
    }

    /// Returns what the blocks of a multiprocessor have together.
    public int sharedBytesPerMultiprocessor() {
        return switch (number()) {
            case 70, 72 -> 96 << 10;
            case 75 -> 64 << 10;
            case 80, 87 -> 164 << 10;
            case 90, 100, 103 -> 228 << 10;
            default -> major < 7 ? 96 << 10 : 100 << 10;
        };
    }

    /// Returns how many threads a multiprocessor holds.
    public int threadsPerMultiprocessor() {
        return switch (number()) {
            case 75 -> 1024;
            case 86, 87, 89, 120, 121 -> 1536;
            default -> 2048;
        };
    }

    /// Returns how many blocks a multiprocessor holds.
    public int blocksPerMultiprocessor() {
        return switch (number()) {
            case 75, 86, 87 -> 16;
            case 89, 120, 121 -> 24;
            default -> 32;
        };
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
