package io.moetier.runtime.offload;

import io.moetier.kernels.device.HostClock;
import io.moetier.kernels.device.HostErrands;
import org.jspecify.annotations.Nullable;

/// Loaders beside a device whose time is computed: what they do is done by the thread that computes, when in that time
/// a loader would begin it, and takes a loader's time and not its own.
///
/// So times depend on no scheduling of threads. A transfer is run once a loader is free for it by now; its end lies in
/// the future, and the computation learns of it when its time has come there, or goes there to wait. What has begun
/// nowhere yet can be taken back. The clock asks for what is to be begun while the computation waits for the device.
final class VirtualLoaders implements TransferScheduler<Transfer>, HostErrands {
    private final HostClock clock;
    private final double[] freeAt; // by loader
    private final @Nullable Transfer[] submitted; // a ring
    private final double[] submittedAt;
    private int head;
    private int numSubmitted;
    private final Transfer[] ended; // in the order in which they end, the last one first
    private final double[] endsAt;
    private int numEnded;
    private boolean running;

    /// At most `capacity` transfers are under way at a time.
    VirtualLoaders(HostClock clock, int numLoaders, int capacity) {
        this.clock = clock;
        freeAt = new double[numLoaders];
        submitted = new @Nullable Transfer[capacity];
        submittedAt = new double[capacity];
        ended = new Transfer[capacity];
        endsAt = new double[capacity];
        clock.attend(this);
    }

    @Override
    public void submit(Transfer transfer) {
        int at = (head + numSubmitted++) % submitted.length;
        submitted[at] = transfer;
        submittedAt[at] = clock.nanos();
        begin();
    }

    @Override
    public @Nullable Transfer poll() {
        begin();
        return numEnded > 0 && endsAt[numEnded - 1] <= clock.nanos() ? TransferScheduler.collected(take()) : null;
    }

    @Override
    public Transfer await() {
        begin();
        while (nextNanos() < (numEnded == 0 ? Double.POSITIVE_INFINITY : endsAt[numEnded - 1])) {
            clock.set(nextNanos());
            begin();
        }
        if (numEnded == 0) {
            throw new IllegalStateException("nothing is under way");
        }
        clock.set(Math.max(clock.nanos(), endsAt[numEnded - 1]));
        Transfer transfer = take();
        transfer.collect();
        return transfer;
    }

    @Override
    public @Nullable Transfer cancel() {
        begin();
        return numSubmitted == 0 ? null : TransferScheduler.collected(takeSubmitted());
    }

    @Override
    public void close() {
        numSubmitted = 0; // the clock may outlive this
    }

    @Override
    public double nextNanos() {
        Transfer next = submitted[head];
        return running || numSubmitted == 0 || next == null || !next.hasRoom() ? Double.POSITIVE_INFINITY : nextBegin();
    }

    @Override
    public void runUntil(double nanos) {
        double now = clock.nanos();
        while (nextNanos() <= nanos) {
            int loader = nextLoader();
            clock.set(nextBegin());
            running = true;
            Transfer transfer = takeSubmitted();
            transfer.run();
            running = false;
            freeAt[loader] = clock.nanos();
            insert(transfer, freeAt[loader]);
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

    private Transfer takeSubmitted() {
        Transfer transfer = submitted[head];
        submitted[head] = null;
        head = (head + 1) % submitted.length;
        numSubmitted--;
        if (transfer == null) {
            throw new IllegalStateException("a transfer was lost");
        }
        return transfer;
    }

    private void insert(Transfer transfer, double end) {
        int at = numEnded++;
        for (; at > 0 && endsAt[at - 1] <= end; at--) {
            ended[at] = ended[at - 1];
            endsAt[at] = endsAt[at - 1];
        }
        ended[at] = transfer;
        endsAt[at] = end;
    }

    private Transfer take() {
        return ended[--numEnded];
    }
}
