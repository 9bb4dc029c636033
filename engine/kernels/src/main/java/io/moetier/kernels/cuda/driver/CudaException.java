package io.moetier.kernels.cuda.driver;

/// A call of the driver that failed, by the function's name and the error's.
///
/// Errors of commands come with a later call than the one that issued them.
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int OUT_OF_MEMORY = 2;

    private final String function;
    private final int code;

    CudaException(String function, int code, String symbol, String detail) {
        super(function + " failed: " + symbol + (detail.isEmpty() ? "" : ": " + detail));
        this.function = function;
        this.code = code;
    }

    /// Returns the function's name in C, without `_v2`.
    public String function() {
        return function;
    }

    /// Returns the number of the error.
    public int code() {
        return code;
    }

    /// Returns whether there was no memory left, after which everything goes on as before.
    public boolean isOutOfMemory() {
        return code == OUT_OF_MEMORY;
    }

    /// Returns whether it was main memory that could not be had: pinned, as copies need it.
    public boolean isOfMainMemory() {
        return function.equals(PinnedMemory.ALLOCATION);
    }
}
