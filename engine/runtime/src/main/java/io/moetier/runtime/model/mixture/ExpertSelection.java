package io.moetier.runtime.model.mixture;

import static io.moetier.runtime.option.InvalidOptionException.require;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// How many experts a token is sent to, if not as many as the model was trained with. Each way changes what is
/// computed.
///
/// @param experts a fixed number
/// @param topPExperts as few as have together this share of the router's probability, at least one and at most as
///     many as the model has for a token (Huang et al. 2024, arXiv:2403.07652)
/// @param maxKld fewer while the KL divergence from what was trained stays below this, in nats: see [LossMeter]
/// @param copies the store of the same model in fewer bits, whose experts may stand within `maxKld` for those that
///     would have to be loaded
public record ExpertSelection(
        OptionalInt experts, OptionalDouble topPExperts, OptionalDouble maxKld, Optional<Path> copies) {
    /// As the model was trained.
    public static final ExpertSelection TRAINED =
            new ExpertSelection(OptionalInt.empty(), OptionalDouble.empty(), OptionalDouble.empty(), Optional.empty());

    /// @throws IllegalArgumentException if a number cannot be
    public ExpertSelection {
        experts.ifPresent(number -> require(number >= 1, "experts", "1 or more", number));
        topPExperts.ifPresent(share -> require(share > 0 && share <= 1, "topPExperts", "above 0 and at most 1", share));
        maxKld.ifPresent(nats -> require(nats > 0 && nats <= 10, "maxKld", "above 0 and at most 10 nats", nats));
    }

    /// Returns this with the number that the model was trained with in the place of a fixed one.
    public ExpertSelection withTrainedNumber() {
        return new ExpertSelection(OptionalInt.empty(), topPExperts, maxKld, copies);
    }

    /// Returns this with another limit of what may be lost, in nats.
    ///
    /// @throws IllegalArgumentException if it cannot be
    public ExpertSelection withMaxKld(double nats) {
        return new ExpertSelection(experts, topPExperts, OptionalDouble.of(nats), copies);
    }

    /// Returns this with other copies, or none.
    public ExpertSelection withCopies(Optional<Path> store) {
        return new ExpertSelection(experts, topPExperts, maxKld, store);
    }
}
