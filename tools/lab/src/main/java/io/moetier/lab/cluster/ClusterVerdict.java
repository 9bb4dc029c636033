package io.moetier.lab.cluster;

import io.moetier.storage.memory.ByteSize;
import java.util.Locale;
import java.util.OptionalDouble;

/// Whether nodes compute a model's experts, or the driver computes everything: whatever takes a token less time.
///
/// @param overNodes how long a token takes over the nodes
/// @param here how long the driver alone takes
/// @param breakEvenSeconds the round trip above which nodes would not pay; nothing if they do not pay in any case
/// @param sentence the same in words
public record ClusterVerdict(
        ClusterTime overNodes, ClusterTime here, OptionalDouble breakEvenSeconds, String sentence) {
    private static final double MILLIS = 1e3;
    private static final int PLACINGS = 3;

    /// What is asked.
    ///
    /// @param choices that tokens make
    /// @param cluster with links as they were measured; one node at least
    public record Question(ClusterModel model, Choices choices, Cluster cluster) {
        /// @throws IllegalArgumentException if there is no node
        public Question {
            if (cluster.nodes().isEmpty()) {
                throw new IllegalArgumentException("a cluster without nodes");
            }
        }

        /// Returns how long the driver alone takes.
        ClusterTime here() {
            return Replay.of(model, choices, cluster.alone(), Owners.alone(model));
        }

        ClusterTime overNodes() {
            return Replay.of(model, choices, cluster, Owners.placed(model, choices.used(), cluster));
        }

        private Question withRoundTrip(double seconds) {
            return new Question(model, choices, cluster.withRoundTrip(seconds));
        }
    }

    /// Decides.
    ///
    /// @throws IllegalArgumentException if the choices are those of another model
    public static ClusterVerdict of(Question question) {
        return of(question, question.here());
    }

    static ClusterVerdict of(Question question, ClusterTime here) {
        return of(question, here, question.overNodes());
    }

    /// Decides for owners that there are.
    static ClusterVerdict of(Question question, Owners owners) {
        return of(
                question, question.here(), Replay.of(question.model(), question.choices(), question.cluster(), owners));
    }

    private static ClusterVerdict of(Question question, ClusterTime here, ClusterTime overNodes) {
        return of(question.cluster, overNodes, here, breakEven(question, overNodes, here.seconds()));
    }

    static ClusterVerdict of(Cluster cluster, ClusterTime overNodes, ClusterTime here, OptionalDouble breakEven) {
        return new ClusterVerdict(overNodes, here, breakEven, sentence(cluster, overNodes, here, breakEven));
    }

    /// Returns the round trip above which no nodes pay. Experts are placed anew for nodes that are farther: a driver
    /// then keeps more of them, and the rest pays longer.
    private static OptionalDouble breakEven(Question question, ClusterTime overNodes, double limitSeconds) {
        OptionalDouble longest = overNodes.longestRoundTrip(limitSeconds);
        for (int i = 0; i < PLACINGS; i++) {
            OptionalDouble longer =
                    question.withRoundTrip(longest.orElse(0)).overNodes().longestRoundTrip(limitSeconds);
            if (longer.isEmpty() || (longest.isPresent() && longer.getAsDouble() <= longest.getAsDouble())) {
                return longest;
            }
            longest = longer;
        }
        return longest;
    }

    /// Says whether nodes compute experts.
    public boolean paysOff() {
        return overNodes.seconds() < here.seconds();
    }

    private static String sentence(Cluster cluster, ClusterTime overNodes, ClusterTime here, OptionalDouble breakEven) {
        int count = cluster.nodes().size();
        String nodes = count + (count == 1 ? " node" : " nodes");
        String there = millis(overNodes.seconds()) + " over " + nodes;
        String alone = millis(here.seconds()) + " here, " + bound(cluster.driver(), here);
        String more = overNodes.seconds() > here.seconds() ? there : "no less over " + nodes;
        String token = overNodes.seconds() < here.seconds()
                ? "a token takes " + there + " and " + alone
                : "a token takes " + alone + ", and " + more;
        String end = breakEven.isPresent()
                ? "above a round trip of " + millis(breakEven.getAsDouble()) + " nodes would not pay"
                : "nodes would not pay without any round trip either";
        return token + "; " + end;
    }

    private static String bound(Machine driver, ClusterTime here) {
        return here.parts().share(Parts.Part.DISK) > 0
                ? "whose disk gives " + rate(driver.diskRate())
                : "where all experts are in memory";
    }

    private static String rate(double bytesPerSecond) {
        return ByteSize.format(bytesPerSecond) + "/s";
    }

    /// Returns a time for people.
    public static String millis(double seconds) {
        double millis = seconds * MILLIS;
        return String.format(
                Locale.ROOT, millis >= 99.5 ? "%,.0f ms" : millis >= 0.995 ? "%.1f ms" : "%.2f ms", millis);
    }
}
