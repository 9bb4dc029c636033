package io.moetier.runtime.offload;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceEvent;
import java.util.ArrayList;
import java.util.List;

/// Tells copies into slots when the kernels that read what was there before are done.
///
/// Kernels run later than they are called, so a slot that was given back may still be read. Each group of slots
/// that is given back gets a number and an event behind its kernels. There are few events, used in turns: before one
/// is recorded again its last recording is waited for, which is long past, so that what was given back that many
/// groups ago needs no event any more. Confined to the thread that computes.
final class SlotReleases implements AutoCloseable {
    /// More groups than are given back before the host waits for a layer's routing, on a prompt with few slots.
    private static final int EVENTS = 64;

    private final List<DeviceEvent> events = new ArrayList<>();
    private final DeviceEvent past;
    private long numGroups;
    private long numRecorded;

    SlotReleases(Device device) {
        try {
            for (int i = 0; i <= EVENTS; i++) {
                events.add(device.newEvent());
            }
        } catch (RuntimeException | Error e) {
            try (this) {
                throw e;
            }
        }
        past = events.getLast(); // which is never recorded
    }

    /// Returns the number of the next group of slots that is given back; [#record()] follows.
    long next() {
        return ++numGroups;
    }

    /// Puts the event of the latest group behind the kernels called so far, all that read its slots among them; and
    /// those of groups before for which that has failed.
    void record() {
        while (numRecorded < numGroups) {
            DeviceEvent event = eventOf(numRecorded + 1);
            event.synchronize();
            event.record();
            numRecorded++;
        }
    }

    /// Returns what has to be waited for before a slot of a group is written; 0 stands for slots that no kernel has
    /// read.
    DeviceEvent of(long group) {
        if (group + EVENTS <= numRecorded || group == 0) {
            return past;
        }
        if (group > numRecorded) {
            record(); // it failed when it was tried
        }
        return eventOf(group);
    }

    private DeviceEvent eventOf(long group) {
        return events.get((int) (group % EVENTS));
    }

    @Override
    public void close() {
        events.forEach(DeviceEvent::close);
    }
}
