package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.Diagnostics;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.fault.Faults;
import io.moetier.emulator.driver.stream.Scheduler;
import io.moetier.emulator.driver.stream.StreamGroup;
import io.moetier.emulator.memory.DeviceFault;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A context: the streams and the errors of a program on one device.
///
/// What goes wrong in a command breaks the context: every later call answers with the same status.
public final class EmulatedContext implements StreamGroup.Faults {
    private final EmulatedDevice device;
    private final Diagnostics diagnostics;
    private final StreamGroup streams;
    private final Map<Integer, Long> limits = new HashMap<>();
    private @Nullable CudaStatus broken;
    private int retained;

    EmulatedContext(EmulatedDevice device, Scheduler scheduler, Diagnostics diagnostics) {
        this.device = device;
        this.diagnostics = diagnostics;
        streams = scheduler.addGroup(device.ordinal(), this);
    }

    public EmulatedDevice device() {
        return device;
    }

    public StreamGroup streams() {
        return streams;
    }

    public Map<Integer, Long> limits() {
        return limits;
    }

    /// Counts a user of a device's primary context.
    public void retain() {
        retained++;
    }

    /// Returns whether that was the last user.
    public boolean release() {
        return --retained == 0;
    }

    void breakWith(CudaStatus status) {
        if (broken == null) {
            broken = status;
        }
    }

    /// Throws what broke the context, if anything did.
    public void check() {
        if (broken != null) {
            throw DriverError.of(broken);
        }
    }

    @Override
    public boolean any() {
        return broken != null;
    }

    @Override
    public void fault(String command, DeviceFault fault) {
        CudaStatus status = Faults.statusOfCommand(fault.kind());
        diagnostics.add(command, status, String.valueOf(fault.getMessage()));
        breakWith(status);
    }
}
