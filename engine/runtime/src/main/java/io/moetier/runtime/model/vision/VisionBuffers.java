package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import java.lang.foreign.Arena;

/// The buffers of a tower for one image.
///
/// @param residual `[patches, hidden]`
/// @param normed of the same shape, as are the next four and `out`
/// @param wide `[patches, intermediate]`, or the merged patches'
record VisionBuffers(
        DeviceBuffer residual,
        DeviceBuffer normed,
        DeviceBuffer query,
        DeviceBuffer key,
        DeviceBuffer value,
        DeviceBuffer out,
        DeviceBuffer wide) {
    private static final int OF_HIDDEN = 6;

    /// @param arena of the device, owns them
    static VisionBuffers of(Device device, Arena arena, int patches, int hidden, int wideFloats) {
        int floats = Math.multiplyExact(patches, hidden);
        return new VisionBuffers(
                device.allocate(floats, arena),
                device.allocate(floats, arena),
                device.allocate(floats, arena),
                device.allocate(floats, arena),
                device.allocate(floats, arena),
                device.allocate(floats, arena),
                device.allocate(wideFloats, arena));
    }

    static long bytes(int patches, int hidden, int wideFloats) {
        return Float.BYTES * ((long) OF_HIDDEN * patches * hidden + wideFloats);
    }
}
