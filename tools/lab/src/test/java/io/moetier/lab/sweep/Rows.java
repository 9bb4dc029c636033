package io.moetier.lab.sweep;

import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.StepCounts;
import io.moetier.lab.simulate.Tuning;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Everything that is in rows, to the last bit: a double's shortest decimals are those of no other.
final class Rows {
    private Rows() {}

    static String of(List<Tuning> tunings) {
        return tunings.stream()
                .flatMap(tuning -> tuning.rows().stream())
                .map(Rows::of)
                .collect(Collectors.joining("\n"));
    }

    private static String of(Tuning.Row row) {
        return of(row.outcome()) + " " + row.slotBytes() + row.bytesPerToken() + row.prediction() + row.gapClosed()
                + row.copiesOfLru();
    }

    static String of(Outcome outcome) {
        return outcome.policy()
                + outcome.plan()
                + outcome.tokens()
                + counts(outcome.counts())
                + outcome.decodeTokens()
                + counts(outcome.decodeCounts());
    }

    private static String counts(List<StepCounts> all) {
        return all.stream()
                .map(counts -> IntStream.rangeClosed(0, counts.maxMisses())
                        .mapToObj(i -> counts.steps(i) + "/" + counts.hits(i) + "/" + counts.brought(i))
                        .collect(Collectors.joining(",", "[", "]")))
                .collect(Collectors.joining());
    }
}
