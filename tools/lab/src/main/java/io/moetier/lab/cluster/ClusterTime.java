package io.moetier.lab.cluster;

import io.moetier.lab.plan.Interval;
import java.util.List;
import java.util.OptionalDouble;

/// How long a cluster takes for a token, and where the time goes.
public final class ClusterTime {
    private static final int HALVINGS = 60;

    private final Parts parts;
    private final List<Load> loads;
    private final List<Double> balance;
    private final Steps steps;

    /// What a machine does.
    ///
    /// @param experts that it owns
    /// @param bytes of them
    /// @param chosen experts that it computes for a token
    /// @param missing those of them that come from its disk
    /// @param busySeconds that it computes and reads for a token
    public record Load(String machine, int experts, long bytes, double chosen, double missing, double busySeconds) {}

    /// The layers of all tokens in which nodes take part, as they would be without round trips.
    ///
    /// @param tokens that were timed
    /// @param fixedSeconds of everything else
    /// @param ownSeconds what the driver computes of each
    /// @param nodeSeconds the longest of the nodes, transfers included
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    record Steps(int tokens, double fixedSeconds, double[] ownSeconds, double[] nodeSeconds) {
        double seconds(double roundTrip) {
            double sum = fixedSeconds;
            for (int i = 0; i < ownSeconds.length; i++) {
                sum += Math.max(ownSeconds[i], nodeSeconds[i] + roundTrip);
            }
            return sum / tokens;
        }
    }

    ClusterTime(Parts parts, List<Load> loads, List<Double> balance, Steps steps) {
        this.parts = parts;
        this.loads = List.copyOf(loads);
        this.balance = List.copyOf(balance);
        this.steps = steps;
    }

    /// Returns what a token takes.
    public double seconds() {
        return parts.total();
    }

    /// Returns the tokens of a second, and where nine of ten measurements should be.
    public Interval tokensPerSecond() {
        return Interval.ofSpeeds(seconds());
    }

    public Parts parts() {
        return parts;
    }

    /// Returns what each machine does, the driver first.
    public List<Load> loads() {
        return loads;
    }

    /// Returns how evenly the work of each layer is spread: what a machine with experts is busy on average, as a share
    /// of what the busiest is; 1 is even. A token's few experts cannot be spread over more machines than they are.
    public List<Double> balance() {
        return balance;
    }

    /// Returns what a token takes if every node is that far.
    double secondsWithRoundTrip(double roundTripSeconds) {
        return steps.seconds(roundTripSeconds);
    }

    /// Returns the longest round trip with which a token takes no longer than `limitSeconds`; nothing if it
    /// takes longer without any, or no node does anything.
    OptionalDouble longestRoundTrip(double limitSeconds) {
        if (steps.ownSeconds.length == 0 || steps.seconds(0) > limitSeconds) {
            return OptionalDouble.empty();
        }
        double below = 0;
        double above = limitSeconds * steps.tokens / steps.ownSeconds.length; // nothing but round trips
        for (int i = 0; i < HALVINGS; i++) {
            double middle = (below + above) / 2;
            if (steps.seconds(middle) <= limitSeconds) {
                below = middle;
            } else {
                above = middle;
            }
        }
        return OptionalDouble.of(below);
    }
}
