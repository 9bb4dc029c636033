package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.DeviceFault;
import io.moetier.emulator.memory.FaultKind;

/// A fault in a kernel. Its message names kernel, block, thread, line and statement of the PTX, and the reason.
public final class KernelFault extends DeviceFault {
    private static final long serialVersionUID = 1L;

    private final String kernel;
    private final int line;

    KernelFault(FaultKind kind, String kernel, int line, String message) {
        super(kind, message);
        this.kernel = kernel;
        this.line = line;
    }

    public String kernel() {
        return kernel;
    }

    /// The line of the PTX text, counted from 1; 0 if the fault has none.
    public int line() {
        return line;
    }
}
