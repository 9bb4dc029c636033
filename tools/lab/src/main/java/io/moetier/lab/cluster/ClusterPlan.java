package io.moetier.lab.cluster;

import io.moetier.lab.cluster.Parts.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// What a model would do over more and more nodes, and when more stop helping.
///
/// @param here the driver alone
/// @param rows by number of nodes, ascending
/// @param enough nothing if every doubling that was tried helps
public record ClusterPlan(ClusterTime here, List<Row> rows, Optional<Enough> enough) {
    /// A doubling that gains less is not worth its machines.
    private static final double LEAST_GAIN = 0.05;

    public ClusterPlan {
        rows = List.copyOf(rows);
    }

    /// What is asked.
    ///
    /// @param driver alone
    /// @param kinds of nodes, which are taken in turn
    /// @param counts of nodes to try, ascending
    public record Question(
            ClusterModel model, Choices choices, Cluster driver, List<Node> kinds, List<Integer> counts) {
        /// @throws IllegalArgumentException if there are no nodes, or fewer than the ones before
        public Question {
            kinds = List.copyOf(kinds);
            counts = List.copyOf(counts);
            int last = 0;
            for (int count : counts) {
                if (count <= last) {
                    throw new IllegalArgumentException("expected rising numbers of nodes, found " + counts);
                }
                last = count;
            }
            if (kinds.isEmpty() || counts.isEmpty()) {
                throw new IllegalArgumentException("no nodes to plan with");
            }
        }

        private ClusterVerdict.Question of(int count) {
            List<Node> nodes = IntStream.range(0, count)
                    .mapToObj(i -> kinds.get(i % kinds.size()))
                    .toList();
            Cluster cluster = new Cluster(driver.driver(), driver.driverBytesPerSecond(), nodes);
            return new ClusterVerdict.Question(model, choices, cluster);
        }
    }

    /// Some nodes.
    public record Row(int nodes, ClusterVerdict verdict) {
        public ClusterTime time() {
            return verdict.overNodes();
        }
    }

    /// When more nodes stop helping.
    ///
    /// @param nodes that are enough
    /// @param gain what twice as many would add to the speed, as a share; may be below zero
    /// @param reason what takes the most time of a token then
    public record Enough(int nodes, double gain, Part reason) {}

    /// Tries all numbers of nodes.
    public static ClusterPlan of(Question question) {
        ClusterTime here = question.of(1).here();
        List<Row> rows = new ArrayList<>();
        for (int count : question.counts()) {
            rows.add(new Row(count, ClusterVerdict.of(question.of(count), here)));
        }
        return new ClusterPlan(here, rows, enough(rows));
    }

    private static Optional<Enough> enough(List<Row> rows) {
        for (Row row : rows) {
            List<Double> gains = rows.stream()
                    .filter(more -> more.nodes() >= 2 * row.nodes())
                    .map(more -> gainOfDoubling(row, more))
                    .toList();
            if (!gains.isEmpty() && gains.stream().allMatch(gain -> gain < LEAST_GAIN)) {
                return Optional.of(new Enough(
                        row.nodes(), gains.getFirst(), row.time().parts().largest()));
            }
        }
        return Optional.empty();
    }

    /// Returns what a doubling adds to the speed, where there may be more than twice as many.
    private static double gainOfDoubling(Row fewer, Row more) {
        double gain = fewer.time().seconds() / more.time().seconds();
        double doublings = Math.log((double) more.nodes() / fewer.nodes()) / Math.log(2);
        return Math.pow(gain, 1 / doublings) - 1;
    }
}
