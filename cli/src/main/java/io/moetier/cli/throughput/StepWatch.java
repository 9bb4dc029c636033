package io.moetier.cli.throughput;

import io.moetier.cli.report.StepProfile;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Phase;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Watches the steps of one round: hands everything on to a [StepProfile], adds up what each expert took to be read,
/// and keeps the last step as a timeline.
final class StepWatch implements ActivityListener {
    private static final int MOST_SPANS = 2000;

    private final StepProfile profile;
    private final Phase counted;
    private final Map<Integer, Long> readNanos = new HashMap<>(); // by packed id; guarded by itself
    private final List<Span> reads = new ArrayList<>(); // guarded by readNanos
    private final List<Span> sections = new ArrayList<>();
    private List<Span> last = List.of();
    private boolean counts;
    private boolean full; // of sections
    private int layer;
    private long stepBegin;

    /// @param row of a timeline
    record Span(String row, String name, int layer, long startNanos, long endNanos) {}

    StepWatch(StepProfile profile, Phase counted) {
        this.profile = profile;
        this.counted = counted;
    }

    /// Returns how long reading each expert took, by packed id, all its reads together.
    Map<Integer, Long> readNanos() {
        synchronized (readNanos) {
            return Map.copyOf(readNanos);
        }
    }

    /// Returns the spans of the last step that counted, from its beginning.
    List<Span> lastStep() {
        return last;
    }

    @Override
    public void onStep(Phase phase, int tokens) {
        profile.onStep(phase, tokens);
        counts = phase == counted;
        full = false;
        sections.clear();
        stepBegin = System.nanoTime();
        synchronized (readNanos) {
            reads.clear();
        }
    }

    @Override
    public void onLayer(int newLayer) {
        profile.onLayer(newLayer);
        layer = newLayer;
    }

    @Override
    public void enter(Section section) {
        profile.enter(section);
        if (counts && !full) {
            long now = System.nanoTime() - stepBegin;
            endSection(now);
            full = sections.size() == MOST_SPANS;
            if (full) {
                return; // the last one ends here, and what comes is not shown
            }
            String row = section == Section.WAIT || section == Section.NODES ? "waits" : "computation";
            sections.add(new Span(row, section.label(), section.isOfLayer() ? layer : -1, now, now));
        }
    }

    private void endSection(long now) {
        if (!sections.isEmpty()) {
            Span open = sections.removeLast();
            sections.add(new Span(open.row(), open.name(), open.layer(), open.startNanos(), now));
        }
    }

    @Override
    public void onStepEnd() {
        profile.onStepEnd();
        if (counts) {
            if (!full) {
                endSection(System.nanoTime() - stepBegin);
            }
            List<Span> all = new ArrayList<>(sections);
            synchronized (readNanos) {
                all.addAll(reads);
            }
            last = all;
        }
    }

    @Override
    public void onRead(int id, long bytes, long startNanos, long endNanos) {
        onMove("disk reads", id, startNanos, endNanos);
    }

    @Override
    public void onCopy(int id, long bytes, long startNanos, long endNanos) {
        onMove("copies", id, startNanos, endNanos);
    }

    private void onMove(String row, int id, long startNanos, long endNanos) {
        synchronized (readNanos) {
            readNanos.merge(id, endNanos - startNanos, Long::sum);
            if (reads.size() < MOST_SPANS) {
                String name = "expert " + ExpertId.expertOf(id);
                long start = Math.max(0, startNanos - stepBegin);
                reads.add(new Span(row, name, ExpertId.layerOf(id), start, Math.max(start, endNanos - stepBegin)));
            }
        }
    }
}
