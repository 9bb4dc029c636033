package io.moetier.cli.throughput;

import io.moetier.cli.report.ExpertsUsed.Loss;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Parts;
import io.moetier.lab.throughput.Peaks;
import io.moetier.lab.throughput.Samples;
import io.moetier.lab.throughput.SteadyState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// What was measured with one setting: the rounds of each point, of which those count that came after the warm-up.
///
/// @param rounds by point, each in the order in which they were measured
/// @param loss of all tokens that were generated, where that is limited
record SettingResult(Setting setting, Map<Case, List<Round>> rounds, Peaks peaks, Held held, Optional<Loss> loss) {
    /// What the model held in memory.
    ///
    /// @param slots for experts
    /// @param slotBytes of all of these
    /// @param policy that says which expert leaves
    /// @param pastCache whether experts are read past the page cache
    /// @param tiers bytes, by what holds them
    record Held(int slots, long slotBytes, String policy, boolean pastCache, Map<String, Long> tiers) {}

    private static final int MOST_ROUNDS = 24; // that are kept, out of as many as there was time for

    /// Returns how many rounds do not count; nothing if one of the points never became steady, or there are too few
    /// rounds to tell. Caches and code are warm for all points or for none.
    Optional<Integer> warmUp() {
        int most = 0;
        boolean told = false;
        for (List<Round> ofCase : rounds.values()) {
            double[] seconds = ofCase.stream()
                    .flatMapToLong(round -> Arrays.stream(round.steps()))
                    .mapToDouble(nanos -> nanos / 1e9)
                    .toArray();
            boolean enough = seconds.length >= SteadyState.LEAST_STEPS;
            OptionalInt begin = SteadyState.begin(seconds);
            if (enough && begin.isEmpty()) {
                return Optional.empty();
            }
            if (enough) {
                int steps = ofCase.getFirst().steps().length;
                most = Math.max(most, Math.ceilDiv(begin.getAsInt(), steps));
                told = true;
            }
        }
        return told ? Optional.of(most) : Optional.empty();
    }

    /// Returns the rounds of each point that count: where nothing became steady, the later half.
    Map<Case, List<Round>> counted() {
        Map<Case, List<Round>> counted = new LinkedHashMap<>();
        Optional<Integer> warmUp = warmUp();
        rounds.forEach((of, all) -> {
            int from = Math.min(warmUp.orElse(all.size() / 2), all.size() - 1);
            counted.put(of, all.subList(from, all.size()));
        });
        return counted;
    }

    /// Returns the figures of each point.
    List<Measured> measured() {
        List<Measured> measured = new ArrayList<>();
        Optional<Integer> warmUp = warmUp();
        counted()
                .forEach((of, counted) -> measured.add(new Measured(
                        of,
                        new Samples(spread(counted).stream().map(Round::steps).toList()),
                        parts(counted),
                        peaks,
                        warmUp,
                        hitRate(counted),
                        queueSeconds(counted))));
        return measured;
    }

    /// Returns as many rounds as are kept, at equal distances.
    private static List<Round> spread(List<Round> all) {
        if (all.size() <= MOST_ROUNDS) {
            return all;
        }
        List<Round> kept = new ArrayList<>();
        for (int i = 0; i < MOST_ROUNDS; i++) {
            kept.add(all.get(i * all.size() / MOST_ROUNDS));
        }
        return kept;
    }

    private static Parts parts(List<Round> counted) {
        Parts mean = new Parts(Map.of());
        for (Round round : counted) {
            round.parts()
                    .byKind()
                    .forEach((kind, part) -> mean.add(
                            kind, part.seconds() / counted.size(), part.work().per(counted.size())));
        }
        return mean;
    }

    private static double hitRate(List<Round> counted) {
        long uses =
                counted.stream().mapToLong(round -> sum(round.tally().uses())).sum();
        long hits =
                counted.stream().mapToLong(round -> sum(round.tally().hits())).sum();
        return uses == 0 ? 0 : (double) hits / uses;
    }

    private static long sum(long[][] counts) {
        return Arrays.stream(counts).flatMapToLong(Arrays::stream).sum();
    }

    private static double queueSeconds(List<Round> counted) {
        double nanos = (double) counted.stream().mapToLong(Round::queueNanos).sum();
        return nanos
                / 1e9
                / counted.stream().mapToInt(round -> round.steps().length).sum();
    }

    /// Says whether it differs from others by its budget alone: it has as many threads as any, and loses nothing.
    boolean isOfBudget(List<SettingResult> all) {
        return setting.maxKld() == 0
                && all.stream().allMatch(other -> other.setting().threads() <= setting.threads());
    }
}
