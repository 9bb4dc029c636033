package io.moetier.tools.emulate.simulated;

import io.moetier.engine.device.DeviceEvent;
import io.moetier.tools.emulate.driver.stream.EventRecord;
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
