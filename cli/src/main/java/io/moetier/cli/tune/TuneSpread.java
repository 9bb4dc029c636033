package io.moetier.cli.tune;

import io.moetier.lab.sweep.SweepSummary;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// How a sweep over several machines went, for people.
record TuneSpread(SweepSummary summary) {
    /// Returns who took no part, a line each, and then who did how much.
    List<String> lines() {
        return Stream.concat(summary.notes().stream(), Stream.of(shares())).toList();
    }

    private String shares() {
        String who = summary.shares().stream()
                .filter(share -> share.isHere() || share.tasks() > 0)
                .map(share -> share.tasks() + (share.isHere() ? " here" : " by " + share.name()))
                .collect(Collectors.joining(", "));
        return String.format(
                Locale.ROOT,
                "%d tasks, %s: %.1f s, one after another %.1f s, %.2f times as fast.",
                summary.tasks(),
                who,
                seconds(summary.nanos()),
                seconds(summary.taskNanos()),
                summary.speedUp());
    }

    private static double seconds(long nanos) {
        return (double) nanos / TimeUnit.SECONDS.toNanos(1);
    }
}
