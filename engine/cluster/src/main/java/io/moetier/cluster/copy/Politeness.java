package io.moetier.cluster.copy;

/// When what is done in the background may begin while requests are computed: one thing at a time, and then a pause
/// three times as long as it took, two seconds at most, so that it has a quarter of the time that disks and links have.
/// Knows no clock: whoever asks tells the time.
final class Politeness {
    /// After how long to ask again.
    static final long POLL_NANOS = 5_000_000L;

    static final long LONGEST_NANOS = 2_000_000_000L;
    private static final int PAUSES = 3; // for each moment that something took

    private int numUnderWay;
    private long beganLast;
    private long notBefore;

    Politeness(long now) {
        notBefore = now;
    }

    /// Says whether something may begin.
    ///
    /// @param isBusy whether requests are computed
    boolean mayBegin(long now, boolean isBusy) {
        return !isBusy || (numUnderWay == 0 && now - notBefore >= 0);
    }

    /// Is told that something begins.
    void begins(long now) {
        numUnderWay++;
        beganLast = now;
    }

    /// Is told that something has ended.
    void ends(long now) {
        numUnderWay--;
        notBefore = now + Math.min(LONGEST_NANOS, PAUSES * (now - beganLast));
    }
}
