package io.moetier.runtime.model;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// How many experts a token is sent to, if not as many as the model was trained with. Both ways change what is
/// computed.
///
/// @param experts a fixed number
/// @param topP as few as have together this share of the router's probability, at least one and at most as many as the
///     model has for a token (Huang et al. 2024, arXiv:2403.07652)
public record ExpertSelection(OptionalInt experts, OptionalDouble topP) {
    /// As the model was trained.
    public static final ExpertSelection TRAINED = new ExpertSelection(OptionalInt.empty(), OptionalDouble.empty());

    /// @throws IllegalArgumentException if a number cannot be
    public ExpertSelection {
        if (experts.isPresent() && experts.getAsInt() < 1) {
            throw new IllegalArgumentException("--experts must be 1 or more, not " + experts.getAsInt());
        }
        if (topP.isPresent() && !(topP.getAsDouble() > 0 && topP.getAsDouble() <= 1)) {
            throw new IllegalArgumentException(
                    "--top-p-experts must be above 0 and at most 1, not " + topP.getAsDouble());
        }
    }

    /// Returns the options that change what the model computes; nothing if it computes what it was trained for.
    public Optional<String> lossy() {
        String number = experts.isPresent() ? "--experts " + experts.getAsInt() : "";
        String share = topP.isPresent() ? String.format(Locale.ROOT, "--top-p-experts %s", topP.getAsDouble()) : "";
        return Optional.of((number + " " + share).strip()).filter(options -> !options.isEmpty());
    }
}
