package io.moetier.cli.report;

import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.lab.device.StepBound;
import io.moetier.lab.device.VirtualMarks;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Takes apart what steps take, section by section, and writes it to a timeline if there is one.
///
/// A section lasts from when the device reaches it until it reaches the next: for a GPU by events among its kernels, or
/// in virtual time. The sections of a step follow each other without gaps, so their sum is the step.
public final class StepProfile implements ActivityListener {
    private final DeviceMarks marks;
    private final Optional<TraceEvents> trace;
    private final Map<Phase, PhaseTimes> times = new EnumMap<>(Phase.class);
    private final StepBound bound = new StepBound();
    private Section[] sections = new Section[64];
    private int[] layers = new int[64];
    private int count;
    private int layer;
    private volatile Optional<Phase> counted = Optional.empty();
    private Phase phase = Phase.PREFILL;
    private int tokens;
    private boolean inStep;
    private double began; // virtual time of the host; what was issued before belongs to no step

    public StepProfile(DeviceMarks marks, int numLayers, Optional<TraceEvents> trace) {
        this.marks = marks;
        this.trace = trace;
        for (Phase each : Phase.values()) {
            times.put(each, new PhaseTimes(numLayers));
        }
        trace.ifPresent(file -> {
            file.row("steps");
            file.row("computation");
            file.row("waits for experts");
        });
    }

    /// Counts steps of a phase from now on; others are in the timeline only. Nothing counts before.
    public void count(Phase wanted) {
        if (counted.isEmpty()) {
            marks.set();
            double now = marks.take()[0];
            trace.ifPresent(file -> file.begin(now));
            began = marks instanceof VirtualMarks virtual ? virtual.called()[0] : 0;
        }
        counted = Optional.of(wanted);
    }

    /// Returns what steps of a phase took.
    public PhaseTimes times(Phase of) {
        return times.getOrDefault(of, new PhaseTimes(0));
    }

    /// Returns the least time of the decode steps counted; 0 where time is not virtual.
    public StepBound bound() {
        return bound;
    }

    @Override
    public void onStep(Phase newPhase, int newTokens) {
        if (inStep) {
            marks.take(); // of a step that failed
        }
        phase = newPhase;
        tokens = newTokens;
        count = 0;
        inStep = counted.isPresent();
    }

    @Override
    public void onLayer(int newLayer) {
        layer = newLayer;
    }

    @Override
    public void enter(Section section) {
        if (!inStep) {
            return;
        }
        if (count == sections.length) {
            sections = Arrays.copyOf(sections, 2 * count);
            layers = Arrays.copyOf(layers, 2 * count);
        }
        sections[count] = section;
        layers[count++] = layer;
        marks.set();
    }

    @Override
    public void onStepEnd() {
        if (!inStep) {
            return;
        }
        inStep = false;
        marks.set();
        double[] at = marks.take();
        boolean counts = counted.filter(phase::equals).isPresent();
        PhaseTimes sum = times(phase);
        for (int i = 0; counts && i < count; i++) {
            sum.add(sections[i], layers[i], at[i + 1] - at[i]);
        }
        if (counts && phase == Phase.DECODE && marks instanceof VirtualMarks virtual) {
            bound.add(sections, layers, count, virtual.called(), virtual.entries());
        }
        sum.addSteps(counts ? 1 : 0, counts ? tokens : 0);
        trace.ifPresent(file -> write(file, at));
    }

    private void write(TraceEvents file, double[] at) {
        file.span("steps", phase.label(), at[0], at[count], Map.of("tokens", tokens));
        for (int i = 0; i < count; i++) {
            file.span(
                    row(sections[i]),
                    sections[i].label(),
                    at[i],
                    at[i + 1],
                    sections[i].isOfLayer() ? Map.of("layer", layers[i]) : Map.of());
        }
        if (marks instanceof VirtualMarks virtual) {
            for (TimelineEntry entry : virtual.entries()) {
                if (entry.issuedNanos() > began) {
                    file.span(row(entry), entry.label(), entry.startNanos(), entry.endNanos(), Map.of());
                }
            }
        }
    }

    private static String row(Section section) {
        return switch (section) {
            case WAIT -> "waits for experts";
            case NODES -> "waits for nodes";
            case EMBEDDING, ATTENTION, FEED_FORWARD, ROUTER, EXPERTS, HEAD -> "computation";
        };
    }

    private static String row(TimelineEntry entry) {
        return switch (entry.engine()) {
            case COMPUTE -> "kernels";
            case TO_DEVICE -> "copies to the GPU";
            case TO_HOST -> "copies to main memory";
        };
    }

    @Override
    public void onRead(int id, long bytes, long startNanos, long endNanos) {
        onMove("disk reads", id, bytes, startNanos, endNanos);
    }

    @Override
    public void onCopy(int id, long bytes, long startNanos, long endNanos) {
        onMove("copies to the GPU", id, bytes, startNanos, endNanos);
    }

    /// Where in the request the node computed is not known: in the middle, as if both ways were as long.
    @Override
    public void onNode(String node, int ofLayer, long startNanos, long endNanos, long nodeNanos) {
        if (trace.isPresent() && counted.isPresent() && !(marks instanceof VirtualMarks)) {
            TraceEvents file = trace.get();
            String row = "node " + node;
            double way = Math.max(0, endNanos - startNanos - nodeNanos) / 2.0;
            file.span(row, "request", (double) startNanos, (double) endNanos, Map.of("layer", ofLayer));
            file.span(row, "experts", startNanos + way, endNanos - way, Map.of("layer", ofLayer));
        }
    }

    @Override
    public void onSlots(Tier tier, int before, int now) {
        if (trace.isPresent() && counted.isPresent() && !(marks instanceof VirtualMarks)) {
            String name = "slots, " + tier.name().toLowerCase(Locale.ROOT);
            double nanos = System.nanoTime();
            trace.get().count(name, nanos, before);
            trace.get().count(name, nanos, now);
        }
    }

    /// Virtual time has copies of its own and no reads.
    private void onMove(String row, int id, long bytes, long startNanos, long endNanos) {
        if (trace.isPresent() && counted.isPresent() && !(marks instanceof VirtualMarks)) {
            Map<String, Object> expert =
                    Map.of("layer", ExpertId.layerOf(id), "expert", ExpertId.expertOf(id), "bytes", bytes);
            trace.get()
                    .span(
                            row + ", " + Thread.currentThread().getName(),
                            "expert",
                            (double) startNanos,
                            (double) endNanos,
                            expert);
        }
    }
}
