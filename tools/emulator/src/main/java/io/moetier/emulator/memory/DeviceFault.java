package io.moetier.emulator.memory;

/// A fault of the emulated device: a kind, which decides the CUDA error code, and a sentence with the particulars.
public class DeviceFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final FaultKind kind;
    private final String reason;

    public DeviceFault(FaultKind kind, String reason) {
        super(reason);
        this.kind = kind;
        this.reason = reason;
    }

    public final FaultKind kind() {
        return kind;
    }

    /// The whole message.
    public final String reason() {
        return reason;
    }
}
