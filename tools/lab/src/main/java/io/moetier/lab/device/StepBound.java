package io.moetier.lab.device;

import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.offload.Overlap;
import java.util.Comparator;
import java.util.List;

/// The least time of steps in which experts are copied on demand, from what their kernels and copies took: if the host
/// were infinitely fast and all that may overlap did.
///
/// A layer's copies cannot begin before its router has chosen, so a layer takes what comes before that, and then its
/// experts or its copies, whichever is longer: `sum over layers of (before + max(experts, copies))`, with what is of no
/// layer added. Each kernel and copy belongs to the section in which the host called for it.
///
/// The bound of bytes is the same sum without the time that kernels and copies take to start.
public final class StepBound {
    private double nanos;
    private double byteNanos;

    /// Adds a step.
    ///
    /// @param sections in order, `count` of them, and the layers they are of
    /// @param began when the host began with each, in virtual time
    /// @param entries what the engines did, of this step and others
    public void add(Section[] sections, int[] layers, int count, double[] began, List<TimelineEntry> entries) {
        List<TimelineEntry> inOrder = entries.stream()
                .filter(entry -> entry.issuedNanos() > began[0])
                .sorted(Comparator.comparingDouble(TimelineEntry::issuedNanos))
                .toList();
        Layer full = new Layer();
        Layer bytes = new Layer();
        int section = 0;
        for (TimelineEntry entry : inOrder) {
            while (section + 1 < count && began[section + 1] < entry.issuedNanos()) {
                section++;
                if (layers[section] != layers[section - 1] || !sections[section].isOfLayer()) {
                    full.end();
                    bytes.end();
                }
            }
            double length = entry.endNanos() - entry.startNanos();
            Section of = sections[section];
            full.add(entry, of, length);
            bytes.add(entry, of, Math.max(0, length - startNanos(entry)));
        }
        full.end();
        bytes.end();
        nanos += full.sum;
        byteNanos += bytes.sum;
    }

    private static double startNanos(TimelineEntry entry) {
        return switch (entry.engine()) {
            case COMPUTE -> GpuCosts.DEFAULT.latencies().kernelNanos();
            case TO_DEVICE, TO_HOST -> GpuCosts.DEFAULT.latencies().copyNanos();
        };
    }

    /// A layer while it is added up.
    private static final class Layer {
        double sum;
        double experts;
        double copies;

        void add(TimelineEntry entry, Section section, double length) {
            boolean ofExperts = section == Section.EXPERTS || section == Section.WAIT || section == Section.NODES;
            switch (entry.engine()) {
                case COMPUTE -> {
                    experts += ofExperts ? length : 0;
                    sum += ofExperts ? 0 : length;
                }
                case TO_DEVICE -> {
                    copies += ofExperts ? length : 0;
                    sum += ofExperts ? 0 : length;
                }
                case TO_HOST -> sum += length;
            }
        }

        void end() {
            sum += Overlap.time(experts, copies, Overlap.WHOLE);
            experts = 0;
            copies = 0;
        }
    }

    /// Returns the bound of all steps.
    public double nanos() {
        return nanos;
    }

    /// Returns the bound of all steps if nothing took time but bytes and arithmetic.
    public double byteNanos() {
        return byteNanos;
    }
}
