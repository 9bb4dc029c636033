package io.moetier.lab.device;

import io.moetier.runtime.offload.Load;
import io.moetier.runtime.offload.TransferScheduler;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Loaders beside a device whose time is computed: what they do is done by the thread that computes, when in that time
/// a loader would begin it, and takes a loader's time and not its own.
///
/// So times depend on no scheduling of threads. A load is run once a loader is free for it by now; its end lies in
/// the future, and the computation learns of it when its time has come there, or goes there to wait. What has begun
/// nowhere yet can be taken back. The clock asks for what is to be begun while the computation waits for the device.
final class VirtualLoaders<L extends Load> implements TransferScheduler<L>, HostErrands {
    private final HostClock clock;
    private final double[] freeAt; // by loader
    private final List<@Nullable L> submitted; // a ring
    private final double[] submittedAt;
    private int head;
    private int numSubmitted;
    private final List<L> ended; // in the order in which they end, the last one first
    private final double[] endsAt;
    private boolean running;

    /// At most `capacity` loads are under way at a time.
    VirtualLoaders(HostClock clock, int numLoaders, int capacity) {
        this.clock = clock;
        freeAt = new double[numLoaders];
        submitted = new ArrayList<>(Collections.nCopies(capacity, null));
        submittedAt = new double[capacity];
        ended = new ArrayList<>(capacity);
        endsAt = new double[capacity];
        clock.attend(this);
    }

    @Override
    public void submit(L load) {
        int at = (head + numSubmitted++) % submitted.size();
        submitted.set(at, load);
        submittedAt[at] = clock.nanos();
        begin();
    }

    @Override
    public @Nullable L poll() {
        begin();
        return !ended.isEmpty() && endsAt[ended.size() - 1] <= clock.nanos()
                ? TransferScheduler.collected(take())
                : null;
    }

    @Override
    public L await() {
        begin();
        while (nextNanos() < (ended.isEmpty() ? Double.POSITIVE_INFINITY : endsAt[ended.size() - 1])) {
            clock.set(nextNanos());
            begin();
        }
        if (ended.isEmpty()) {
            throw new IllegalStateException("nothing is under way");
        }
        clock.set(Math.max(clock.nanos(), endsAt[ended.size() - 1]));
        L load = take();
        load.collect();
        return load;
    }

    @Override
    public @Nullable L cancel() {
        begin();
        return numSubmitted == 0 ? null : TransferScheduler.collected(takeSubmitted());
    }

    @Override
    public void close() {
        numSubmitted = 0; // the clock may outlive this
    }

    @Override
    public double nextNanos() {
        L next = submitted.get(head);
        return running || numSubmitted == 0 || next == null || !next.hasRoom() ? Double.POSITIVE_INFINITY : nextBegin();
    }

    @Override
    public void runUntil(double nanos) {
        double now = clock.nanos();
        while (nextNanos() <= nanos) {
            int loader = nextLoader();
            clock.set(nextBegin());
            running = true;
            L load = takeSubmitted();
            load.run();
            running = false;
            freeAt[loader] = clock.nanos();
            insert(load, freeAt[loader]);
        }
        clock.set(now);
    }

    /// Begins what has a loader by now.
    private void begin() {
        runUntil(clock.nanos());
    }

    private double nextBegin() {
        return Math.max(freeAt[nextLoader()], submittedAt[head]);
    }

    private int nextLoader() {
        int next = 0;
        for (int i = 1; i < freeAt.length; i++) {
            next = freeAt[i] < freeAt[next] ? i : next;
        }
        return next;
    }

    private L takeSubmitted() {
        L load = submitted.get(head);
        submitted.set(head, null);
        head = (head + 1) % submitted.size();
        numSubmitted--;
        if (load == null) {
            throw new IllegalStateException("a load was lost");
        }
        return load;
    }

    private void insert(L load, double end) {
        int at = ended.size();
        for (; at > 0 && endsAt[at - 1] <= end; at--) {
            endsAt[at] = endsAt[at - 1];
        }
        ended.add(at, load);
        endsAt[at] = end;
    }

    private L take() {
        return ended.removeLast();
    }
}
