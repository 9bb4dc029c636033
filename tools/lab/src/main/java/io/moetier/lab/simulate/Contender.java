package io.moetier.lab.simulate;

import io.moetier.storage.cache.Policies;
import io.moetier.storage.cache.PolicyFactory;
import java.util.Optional;
import java.util.function.IntToLongFunction;

/// A policy that takes part in a simulation.
///
/// @param factory nothing for the clairvoyant optimum
public record Contender(String name, Optional<PolicyFactory> factory) {
    /// The name of the optimum.
    public static final String CLAIRVOYANT = "belady";

    /// Returns the policy or the optimum of that name.
    ///
    /// @param census how often each expert was chosen, by packed id, for the policies that need it
    /// @throws IllegalArgumentException if the name is unknown
    public static Contender of(String name, IntToLongFunction census) {
        return name.equals(CLAIRVOYANT) ? clairvoyant() : new Contender(name, Optional.of(Policies.of(name, census)));
    }

    /// Returns the optimum, which no policy can beat.
    public static Contender clairvoyant() {
        return new Contender(CLAIRVOYANT, Optional.empty());
    }
}
