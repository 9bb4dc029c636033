package io.moetier.lab.device.simulated;

import io.moetier.emulator.driver.stream.EventRecord;
import io.moetier.kernels.device.DeviceEvent;
import org.jspecify.annotations.Nullable;

/// An event behind kernels.
final class SimulatedEvent implements DeviceEvent {
    private final SimulatedTime time;
    private @Nullable EventRecord latest;

    SimulatedEvent(SimulatedTime time) {
        this.time = time;
    }

    @Override
    public void record() {
        latest = time.mark();
    }

    @Override
    public void synchronize() {
        if (latest != null) {
            time.synchronize(latest);
        }
    }

    @Nullable
    EventRecord latest() {
        return latest;
    }

    @Override
    public void close() {}
}
