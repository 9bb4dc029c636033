package io.moetier.cli.report;

import io.moetier.kernels.device.DeviceMarks;
import io.moetier.lab.device.VirtualDevice;
import io.moetier.runtime.library.LoadedModel;
import java.util.Optional;

/// By which clock a model is timed: that of its device if that is not there and has virtual time, else the host's.
public record ModelClock(LoadedModel model) {
    /// Returns the device if it has virtual time.
    public Optional<VirtualDevice> virtual() {
        return model.device().filter(VirtualDevice.class::isInstance).map(VirtualDevice.class::cast);
    }

    /// Makes marks among the kernels of the engine's device.
    public DeviceMarks newMarks() {
        return virtual().<DeviceMarks>map(VirtualDevice::newMarks).orElseGet(model.engine()::newMarks);
    }

    /// Says by which clock those marks go.
    public String description() {
        return virtual()
                .map(gpu -> "virtual time of " + gpu.kind() + " " + gpu.gpu()
                        + ", by a model of it; reads from disk take none")
                .orElseGet(() -> model.engine().pinnedTier().isPresent()
                        ? "sections: events of the GPU; copies and reads: the host's clock, with their waits"
                        : "the host's clock");
    }
}
