package io.moetier.lab.device.simulated;

import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.driver.stream.EventRecord;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceStream;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Copies within main memory, which are done when they return and take the time of the link.
final class SimulatedStream implements DeviceStream {
    private final SimulatedTime time;
    private final CommandStream stream;

    SimulatedStream(SimulatedTime time) {
        this.time = time;
        stream = time.newStream();
    }

    @Override
    public void copy(MemorySegment from, MemorySegment to) {
        MemorySegment.copy(from, 0, to, 0, to.byteSize());
        time.load(stream, to.byteSize());
    }

    /// @param event of the same device
    @Override
    public void await(DeviceEvent event) {
        if (!(event instanceof SimulatedEvent own)) {
            throw new IllegalArgumentException("the event belongs to another device: " + event);
        }
        @Nullable EventRecord latest = own.latest();
        if (latest != null) {
            time.await(stream, latest);
        }
    }

    @Override
    public void synchronize() {
        time.synchronize(stream);
    }

    @Override
    public void close() {
        time.retire(stream);
    }
}
