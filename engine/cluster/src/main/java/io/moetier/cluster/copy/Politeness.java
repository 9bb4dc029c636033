package io.moetier.cluster.copy;

/// When what is done in the background may begin while requests are computed: not at all, but for one thing every two
/// seconds. Knows no clock: whoever asks tells the time.
public final class Politeness {
    /// After how long to ask again.
    public static final long POLL_NANOS = 5_000_000L;

    static final long LONGEST_NANOS = 2_000_000_000L;

    private long busySince;
    private boolean isWaiting;

    /// Says whether something may begin.
    ///
    /// @param isBusy whether requests are computed
    public boolean mayBegin(long now, boolean isBusy) {
        if (isBusy && !isWaiting) {
            isWaiting = true;
            busySince = now;
        }
        return !isBusy || now - busySince >= LONGEST_NANOS;
    }

    /// Is told that something begins.
    public void begins() {
        isWaiting = false;
    }
}
