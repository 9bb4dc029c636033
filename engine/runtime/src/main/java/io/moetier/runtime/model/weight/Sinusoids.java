package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.model.spec.SinusoidSpec;

/// Fixed positions, computed in double and rounded once.
public final class Sinusoids {
    private static final double SLOWEST = 1e4;

    private Sinusoids() {}

    /// Returns the rows of the first `positions` tokens, [positions, size].
    public static DeviceBuffer table(SinusoidSpec spec, int positions, Device device) {
        int half = spec.size() / 2;
        float[] rows = new float[Math.multiplyExact(positions, spec.size())];
        for (int position = 0; position < positions; position++) {
            for (int i = 0; i < half; i++) {
                double angle = (spec.first() + position) * Math.exp(-i * Math.log(SLOWEST) / (half - 1));
                rows[position * spec.size() + i] = (float) Math.sin(angle);
                rows[position * spec.size() + half + i] = (float) Math.cos(angle);
            }
        }
        DeviceBuffer table = device.allocate(rows.length);
        device.upload(rows, 0, rows.length, table, 0);
        return table;
    }
}
