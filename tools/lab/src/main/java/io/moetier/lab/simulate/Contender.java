package io.moetier.lab.simulate;

import io.moetier.storage.cache.PolicyFactory;
import java.util.Optional;

/// A policy that takes part in a simulation.
///
/// @param factory nothing for the clairvoyant optimum
public record Contender(String name, Optional<PolicyFactory> factory) {
    /// The name of the optimum.
    public static final String CLAIRVOYANT = "belady";

    /// Returns the optimum, which no policy can beat.
    public static Contender clairvoyant() {
        return new Contender(CLAIRVOYANT, Optional.empty());
    }
}
