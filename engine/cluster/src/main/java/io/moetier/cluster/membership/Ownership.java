package io.moetier.cluster.membership;

import java.util.Optional;
import java.util.Set;

/// The tables of who owns which experts, one for each model, the same in all members; members that come later have
/// them as well. A table outlives who made it.
public interface Ownership {
    /// Makes a table known in place of the one before, to all members.
    ///
    /// @param model the fingerprint of the model's store
    /// @param table as its reader understands it
    void publish(String model, byte[] table);

    /// Forgets the table of a model.
    void forget(String model);

    /// Returns the table of a model as this member knows it.
    Optional<byte[]> table(String model);

    /// Returns the models that there are tables of.
    Set<String> models();
}
