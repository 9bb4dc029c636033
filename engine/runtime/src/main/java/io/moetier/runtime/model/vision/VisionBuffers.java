package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import java.lang.foreign.Arena;

/// The buffers of a tower for one tile.
///
/// @param residual `[patches, hidden]`
/// @param normed of the same shape, as are the next three
/// @param query and what is added to the residual stream
/// @param wide intermediate results of an MLP
/// @param other every second of them
record VisionBuffers(
        DeviceBuffer residual,
        DeviceBuffer normed,
        DeviceBuffer query,
        DeviceBuffer key,
        DeviceBuffer value,
        DeviceBuffer wide,
        DeviceBuffer other) {
    private static final int OF_HIDDEN = 5;

    /// How many floats they have.
    ///
    /// @param hidden of each that has the shape of the residual stream
    record Sizes(int hidden, int wide, int other) {
        long bytes() {
            return Float.BYTES * ((long) OF_HIDDEN * hidden + wide + other);
        }
    }

    /// @param arena of the device, owns them
    static VisionBuffers of(Device device, Arena arena, Sizes sizes) {
        return new VisionBuffers(
                device.allocate(sizes.hidden, arena),
                device.allocate(sizes.hidden, arena),
                device.allocate(sizes.hidden, arena),
                device.allocate(sizes.hidden, arena),
                device.allocate(sizes.hidden, arena),
                device.allocate(sizes.wide, arena),
                device.allocate(sizes.other, arena));
    }
}
