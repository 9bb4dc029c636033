package io.moetier.lab.sweep;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Who computes pieces of a sweep: this machine, or a member. The fields belong to the lock of the [SweepBoard].
final class Hand {
    /// Computes.
    @FunctionalInterface
    interface Work {
        SweepReply.Computed compute(Errand errand, SweepTask task);
    }

    final String name;
    final boolean isHere;
    final int threads;
    final Work work;
    final Set<Errand> errands = new HashSet<>();
    boolean gone;

    @Nullable
    String objection; // to beginning, of a member that has not begun

    int failures; // since the last success
    int numDone;
    long nanos; // of what was taken

    Hand(String name, boolean isHere, int threads, Work work) {
        this.name = name;
        this.isHere = isHere;
        this.threads = threads;
        this.work = work;
    }

    /// Returns how many pieces are to be on their way at once: where a member computes, one more than its
    /// threads, which is there when the first of them has ended.
    int width() {
        return isHere ? threads : threads + 1;
    }
}
