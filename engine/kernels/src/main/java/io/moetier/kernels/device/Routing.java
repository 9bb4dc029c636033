package io.moetier.kernels.device;

import java.util.Optional;

/// How experts are chosen from a router's logits, and with which weights.
///
/// Every logit becomes a score. The experts with the largest scores are chosen, after a correction is added where the
/// router has one, and from the best groups alone where there are groups. The weight of a chosen expert is its score
/// without the correction, divided by [#normalisation()] and multiplied by [#factor()].
///
/// A softmax over the chosen logits alone is the same as a softmax over all that is divided by the sum of the chosen.
///
/// @param numExperts how many logits a token has; experts that compute nothing count too
/// @param numExpertsPerToken how many are chosen
/// @param groups from which experts are chosen
/// @param normalisation what the chosen scores of a token are divided by; absent where they stay as they are
/// @param factor on every weight
public record Routing(
        int numExperts,
        int numExpertsPerToken,
        Score score,
        Groups groups,
        Optional<Normalisation> normalisation,
        double factor) {
    /// @throws IllegalArgumentException if so many experts cannot be chosen, there are no equal groups of them, or the
    ///     factor is not finite
    public Routing {
        if (numExpertsPerToken < 1 || numExpertsPerToken > numExperts) {
            throw new IllegalArgumentException(
                    "cannot choose " + numExpertsPerToken + " of " + numExperts + " experts");
        }
        if (!Double.isFinite(factor)) {
            throw new IllegalArgumentException(
                    "factor on the experts' weights: expected a finite number, found " + factor);
        }
        groups.requireOf(numExperts, numExpertsPerToken);
    }

    /// Returns softmax over all logits, the likeliest weighted by their probability.
    public static Routing softmax(int numExperts, int numExpertsPerToken) {
        return new Routing(numExperts, numExpertsPerToken, Score.SOFTMAX, Groups.NONE, Optional.empty(), 1);
    }

    /// Returns the rule that chooses every expert and weights it by its score.
    public Routing ofScores() {
        return new Routing(numExperts, numExperts, score, Groups.NONE, Optional.empty(), 1);
    }

    /// Returns this rule choosing `k` experts.
    public Routing choosing(int k) {
        return new Routing(numExperts, k, score, groups, normalisation, factor);
    }

    /// Returns this rule with other scores.
    public Routing scoredBy(Score newScore) {
        return new Routing(numExperts, numExpertsPerToken, newScore, groups, normalisation, factor);
    }

    /// Returns this rule, choosing from the best groups.
    public Routing grouped(Groups newGroups) {
        return new Routing(numExperts, numExpertsPerToken, score, newGroups, normalisation, factor);
    }

    /// Returns this rule with the chosen scores divided.
    public Routing normalised(Normalisation newNormalisation) {
        return new Routing(numExperts, numExpertsPerToken, score, groups, Optional.of(newNormalisation), factor);
    }

    /// Returns this rule with the weights multiplied.
    public Routing times(double newFactor) {
        return new Routing(numExperts, numExpertsPerToken, score, groups, normalisation, newFactor);
    }

    /// What a logit becomes.
    public sealed interface Score permits Softmax, Sigmoid, SqrtSoftplus, SparseMixer {
        /// The share of its exponential in the sum over all experts.
        Score SOFTMAX = new Softmax();
        /// `1 / (1 + exp(-logit))`.
        Score SIGMOID = new Sigmoid();
        /// `sqrt(log(1 + exp(logit)))`.
        Score SQRT_SOFTPLUS = new SqrtSoftplus();
    }

    /// [Score#SOFTMAX].
    public record Softmax() implements Score {}

    /// [Score#SIGMOID] (DeepSeek-V3).
    public record Sigmoid() implements Score {}

    /// [Score#SQRT_SOFTPLUS] (DeepSeek-V4).
    public record SqrtSoftplus() implements Score {}

    /// One expert after another, each the one with the largest logit `m` of those left. Its score is its share in a
    /// softmax over those left whose logit `l` has `(m - l) / max(|l|, m) <= 2 * epsilon`, so that the scores of a
    /// token do not sum to 1 (Liu et al. 2024, arXiv:2409.12136).
    public record SparseMixer(double epsilon) implements Score {
        /// @throws IllegalArgumentException if `epsilon` is negative or not finite
        public SparseMixer {
            if (!(epsilon >= 0 && epsilon <= Double.MAX_VALUE)) {
                throw new IllegalArgumentException("jitter of sparsemixer: expected at least 0, found " + epsilon);
            }
        }
    }

    /// Equal groups of neighbouring experts. Only experts of the best groups keep their score for the choice, all
    /// others have 0 (DeepSeek-V2, arXiv:2405.04434), or cannot be chosen at all.
    ///
    /// @param chosen how many groups keep theirs
    /// @param rank what a group is judged by
    /// @param exclusive whether none of the others can be chosen, even where corrections make all scores negative
    public record Groups(int count, int chosen, Rank rank, boolean exclusive) {
        /// Groups beside which experts of others have 0.
        public Groups(int count, int chosen, Rank rank) {
            this(count, chosen, rank, false);
        }

        /// All experts are one group.
        public static final Groups NONE = new Groups(1, 1, Rank.BEST);

        /// What a group is judged by.
        public enum Rank {
            /// The largest score of its experts.
            BEST,
            /// The sum of the two largest (DeepSeek-V3).
            SUM_OF_TWO
        }

        /// Returns these groups, with none of the others to choose from.
        public Groups exclusively() {
            return new Groups(count, chosen, rank, true);
        }

        private void requireOf(int numExperts, int numExpertsPerToken) {
            boolean equal = count >= 1 && numExperts % count == 0;
            if (!equal || chosen < 1 || chosen > count) {
                throw new IllegalArgumentException(
                        "cannot choose " + chosen + " of " + count + " groups of " + numExperts + " experts");
            }
            int size = numExperts / count;
            if (numExpertsPerToken > chosen * size || (rank == Rank.SUM_OF_TWO && size < 2)) {
                throw new IllegalArgumentException("groups of " + size + " experts are too small to choose "
                        + numExpertsPerToken + " of " + chosen);
            }
        }
    }

    /// Divides the chosen scores `s` of a token by `max((sum of s^order)^(1/order) + epsilon, least)`.
    public record Normalisation(double order, double epsilon, double least) {
        /// @throws IllegalArgumentException if the order is not above 0, or a number is negative or not finite
        public Normalisation {
            if (!(order > 0 && order <= Double.MAX_VALUE)) {
                throw new IllegalArgumentException(
                        "order of the norm of an expert's weights: expected a finite number above 0, found " + order);
            }
            if (!(epsilon >= 0 && epsilon <= Double.MAX_VALUE) || !(least >= 0 && least <= Double.MAX_VALUE)) {
                throw new IllegalArgumentException("least sum of the experts' weights: expected a finite number of at"
                        + " least 0, found " + Math.max(epsilon, least));
            }
        }

        /// Division by their sum.
        public static final Normalisation SUM = new Normalisation(1, 0, 0);

        /// Returns division by their sum and a little more.
        public static Normalisation sumAnd(double epsilon) {
            return new Normalisation(1, epsilon, 0);
        }

        /// Returns division by their sum, or by `least` if that is more.
        public static Normalisation sumOrAtLeast(double least) {
            return new Normalisation(1, 0, least);
        }

        /// Returns division by their norm of this order.
        public static Normalisation norm(double order) {
            return new Normalisation(order, 0, 0);
        }
    }
}
