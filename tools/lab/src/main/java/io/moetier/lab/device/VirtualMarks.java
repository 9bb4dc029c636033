package io.moetier.lab.device;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.stream.Timekeeper;
import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.kernels.device.DeviceMarks;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// Marks in virtual time. They cost none: a mark is reached when its place in the host's calls is past and the kernels
/// called for before that are done, as an event would be.
public final class VirtualMarks implements DeviceMarks {
    private final Timekeeper timekeeper;
    private double[] set = new double[64]; // virtual time of the host
    private int count;
    private double[] called = {};
    private List<TimelineEntry> entries = List.of();

    /// Begins to keep a timeline.
    public VirtualMarks(Timekeeper timekeeper) {
        this.timekeeper = timekeeper;
        timekeeper.keepTimeline(true);
    }

    @Override
    public void set() {
        if (count == set.length) {
            set = Arrays.copyOf(set, 2 * count);
        }
        set[count++] = timekeeper.virtualNanos();
    }

    /// To be called when the host has waited for all kernels.
    @Override
    public double[] take() {
        entries = timekeeper.takeTimeline();
        List<TimelineEntry> kernels = kernels().toList();
        double[] taken = new double[count];
        double done = 0;
        int next = 0;
        for (int i = 0; i < count; i++) {
            for (; next < kernels.size() && kernels.get(next).issuedNanos() <= set[i]; next++) {
                done = Math.max(done, kernels.get(next).endNanos());
            }
            taken[i] = Math.max(done, set[i]);
        }
        called = Arrays.copyOf(set, count);
        count = 0;
        return taken;
    }

    private Stream<TimelineEntry> kernels() {
        return entries.stream()
                .filter(entry -> entry.engine() == EngineKind.COMPUTE)
                .sorted(Comparator.comparingDouble(TimelineEntry::issuedNanos));
    }

    /// Returns what the engines of the device did up to the latest [#take()], as far as it was not returned before.
    public List<TimelineEntry> entries() {
        return entries;
    }

    /// Returns when the host set the marks of the latest [#take()], in virtual time.
    public double[] called() {
        return called;
    }

    @Override
    public void close() {
        timekeeper.keepTimeline(false);
    }
}
