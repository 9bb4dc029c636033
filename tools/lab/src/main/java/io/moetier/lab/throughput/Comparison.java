package io.moetier.lab.throughput;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;

/// What has become slower from one measurement to another, and how sure that is.
///
/// Of each point of the sweep that both have, the time of a step later over that before is resampled ([Samples]). Asked
/// is whether it exceeds 1 + threshold: what is slower by less is no regression, however sure. The share of resampled
/// ratios that do not exceed it is the error of saying so. As many questions are asked as there are points, so errors
/// are corrected by Holm's method ("A simple sequentially rejective multiple test procedure", Scandinavian Journal of
/// Statistics 6(2), 1979): all that is called a regression is one with a probability of 99 %.
///
/// @param changes in the order of the later measurement
/// @param missing points that only one of them has
public record Comparison(List<Change> changes, List<Case> missing) {
    /// With fewer rounds, chance puts all of one side above the other too often.
    public static final int LEAST_ROUNDS = 5;

    private static final double ERROR = 0.01;
    private static final int LEAST_RESAMPLES = 2000;
    private static final int RESAMPLES_PER_ERROR = 4; // those that are expected at the strictest level

    /// One point of the sweep.
    ///
    /// @param rounds of it in the measurement that has fewer
    /// @param ratio time of a step later over that before
    /// @param slower the probability that it is above 1
    /// @param error of calling it slower by more than the threshold, corrected
    /// @param parts by how many seconds the parts of a step have become longer, the most first
    public record Change(Case of, int rounds, Estimate ratio, double slower, double error, Map<String, Double> parts) {
        /// Says whether it could not be called slower, however much it is.
        public boolean isUndecided() {
            return rounds < LEAST_ROUNDS;
        }

        /// Says whether it is slower by more than the threshold.
        public boolean isRegression() {
            return error < ERROR;
        }
    }

    public Comparison {
        changes = List.copyOf(changes);
        missing = List.copyOf(missing);
    }

    /// Compares two measurements.
    ///
    /// @param threshold the share by which a step may take longer
    /// @param seed of the resampling
    public static Comparison of(Throughput before, Throughput after, double threshold, long seed) {
        Map<Case, Measured> earlier = byCase(before);
        Map<Case, Measured> later = byCase(after);
        Set<Case> missing = new LinkedHashSet<>(earlier.keySet());
        missing.removeAll(later.keySet());
        later.keySet().stream().filter(of -> !earlier.containsKey(of)).forEach(missing::add);
        List<Measured> both = later.values().stream()
                .filter(measured -> earlier.containsKey(measured.of()))
                .toList();
        int resamples = (int) Math.max(LEAST_RESAMPLES, Math.ceil(RESAMPLES_PER_ERROR * both.size() / ERROR));
        SplittableRandom random = new SplittableRandom(seed);
        List<Change> changes = new ArrayList<>();
        for (Measured measured : both) {
            Measured base = Objects.requireNonNull(earlier.get(measured.of()));
            changes.add(change(base, measured, threshold, resamples, random));
        }
        return new Comparison(corrected(changes), List.copyOf(missing));
    }

    /// Says whether anything is slower by more than the threshold.
    public boolean hasRegression() {
        return changes.stream().anyMatch(Change::isRegression);
    }

    private static Map<Case, Measured> byCase(Throughput throughput) {
        Map<Case, Measured> cases = new LinkedHashMap<>();
        throughput.cases().forEach(measured -> cases.put(measured.of(), measured));
        return cases;
    }

    private static Change change(
            Measured before, Measured after, double threshold, int resamples, SplittableRandom random) {
        double[] ratios = new double[resamples];
        Arrays.setAll(
                ratios,
                _ -> after.samples().resampledSeconds(random) / before.samples().resampledSeconds(random));
        Arrays.sort(ratios);
        double ratio = after.samples().seconds() / before.samples().seconds();
        double slower = Arrays.stream(ratios).filter(each -> each > 1).count() / (double) resamples;
        long notBeyond =
                Arrays.stream(ratios).filter(each -> each <= 1 + threshold).count();
        int rounds = Math.min(
                before.samples().rounds().size(), after.samples().rounds().size());
        double error = rounds < LEAST_ROUNDS ? 1 : (notBeyond + 1.0) / (resamples + 1.0);
        return new Change(after.of(), rounds, Estimate.of(ratio, ratios), slower, error, parts(before, after));
    }

    private static Map<String, Double> parts(Measured before, Measured after) {
        Map<String, Double> longer = new LinkedHashMap<>();
        Set<String> kinds = new LinkedHashSet<>(after.parts().byKind().keySet());
        kinds.addAll(before.parts().byKind().keySet());
        kinds.stream()
                .sorted(Comparator.comparingDouble(
                        kind -> before.parts().seconds(kind) - after.parts().seconds(kind)))
                .forEach(kind -> longer.put(
                        kind, after.parts().seconds(kind) - before.parts().seconds(kind)));
        return longer;
    }

    /// Corrects the errors: the k-th smallest of m counts m - k + 1 times, and no error less than a smaller one.
    private static List<Change> corrected(List<Change> changes) {
        List<Change> ascending = changes.stream()
                .sorted(Comparator.comparingDouble(Change::error))
                .toList();
        Map<Case, Double> errors = new LinkedHashMap<>();
        double most = 0;
        for (int k = 0; k < ascending.size(); k++) {
            Change change = ascending.get(k);
            most = Math.max(most, Math.min(1, change.error() * (ascending.size() - k)));
            errors.put(change.of(), most);
        }
        return changes.stream()
                .map(change -> new Change(
                        change.of(),
                        change.rounds(),
                        change.ratio(),
                        change.slower(),
                        errors.getOrDefault(change.of(), 1.0),
                        change.parts()))
                .toList();
    }
}
