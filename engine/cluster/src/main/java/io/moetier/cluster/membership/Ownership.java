package io.moetier.cluster.membership;

import java.util.Optional;
import java.util.Set;

/// The tables of who owns which experts, one for each model, the same in all members; members that come later have
/// them as well. A table outlives who made it.
public interface Ownership {
    /// The most bytes that a table may have.
    int MAX_TABLE_BYTES = 8 << 20;

    /// The most tables that there can be.
    int MAX_TABLES = 64;

    /// Makes a table known in place of the one before, to all members.
    ///
    /// @param model the digest of the model's experts, at most 200 characters
    /// @param table as its reader understands it
    /// @throws IllegalArgumentException if it is too large, or there are too many
    void publish(String model, byte[] table);

    /// Forgets the table of a model.
    void forget(String model);

    /// Returns the table of a model as this member knows it.
    Optional<byte[]> table(String model);

    /// Returns the models that there are tables of.
    Set<String> models();
}
