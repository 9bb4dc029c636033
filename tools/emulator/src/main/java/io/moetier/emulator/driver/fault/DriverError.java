package io.moetier.emulator.driver.fault;

import org.jspecify.annotations.Nullable;

/// Why a call does not succeed: the status that it answers with, and a sentence for whoever looks for the
/// reason.
public final class DriverError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final CudaStatus status;
    private final @Nullable String reason;

    private DriverError(CudaStatus status, @Nullable String reason) {
        super(reason, null, false, false); // answers are no bugs: nobody looks at their stack
        this.status = status;
        this.reason = reason;
    }

    public static DriverError of(CudaStatus status, String reason) {
        return new DriverError(status, reason);
    }

    /// Returns an answer that needs no explanation.
    public static DriverError of(CudaStatus status) {
        return new DriverError(status, null);
    }

    public CudaStatus status() {
        return status;
    }

    @Nullable
    public String reason() {
        return reason;
    }
}
