package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaEvent;
import io.moetier.kernels.device.DeviceMarks;
import java.util.ArrayList;
import java.util.List;

/// Marks as events in the stream of all launches. A mark costs a call of the driver, about a microsecond of the host.
final class CudaMarks implements DeviceMarks {
    private static final double NANOS_PER_MILLISECOND = 1e6;

    private final CudaDevice device;
    private final CudaEvent now;
    private final List<CudaEvent> events = new ArrayList<>();
    private int count;

    CudaMarks(CudaDevice device) {
        this.device = device;
        device.enter();
        now = device.context().timingEvent();
    }

    /// What is collected and not launched yet counts as called later.
    @Override
    public void set() {
        device.enter();
        if (count == events.size()) {
            events.add(device.context().timingEvent());
        }
        events.get(count++).record(device.stream());
    }

    @Override
    public double[] take() {
        device.finish();
        now.record(device.stream());
        now.synchronize();
        long nanos = System.nanoTime();
        double[] taken = new double[count];
        for (int i = 0; i < count; i++) {
            taken[i] = nanos - NANOS_PER_MILLISECOND * now.millisSince(events.get(i));
        }
        count = 0;
        return taken;
    }

    @Override
    public void close() {
        device.enter();
        now.close();
        events.forEach(CudaEvent::close);
    }
}
