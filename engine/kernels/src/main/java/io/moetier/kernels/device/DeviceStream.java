package io.moetier.kernels.device;

import java.lang.foreign.MemorySegment;

/// Copies to a device, in order, beside its kernels. Any thread may use it, one at a time.
public interface DeviceStream extends AutoCloseable {
    /// Copies `from`, in main memory, to `to`, of the same size; both stay as they are until [#synchronize()] returns.
    ///
    /// @param to in memory of an arena of the device
    void copy(MemorySegment from, MemorySegment to);

    /// Makes the copies that come later wait for the latest recording of an event.
    void await(DeviceEvent event);

    /// Waits until all copies so far have arrived.
    void synchronize();

    @Override
    void close();
}
