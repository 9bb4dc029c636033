package io.moetier.lab.synthetic;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;

/// What decides which experts a token gets: how the tables of tokens are filled, and how far what a layer adds may
/// change what the next router sees.
sealed interface Routing permits RandomRouting, TextRouting {
    /// Writes consecutive rows of one of the tables.
    @FunctionalInterface
    interface Rows {
        /// Fills `blocks` with rows from `first` on.
        void fill(int first, MemorySegment blocks);
    }

    /// Returns the family of the model, as GGUF has it.
    String architecture();

    /// Returns whether queries and keys have norms in that family.
    boolean hasHeadNorms();

    /// Returns the type of the two tables.
    DType tableType();

    /// Returns the rows of the embedding.
    Rows embedding();

    /// Returns the rows of the output matrix.
    Rows output();

    /// Returns the standard deviation of a router's logits.
    double routerDeviation();

    /// Returns how much attention and experts add to the residual stream, where 1 is as much as they are given.
    double addedShare();
}
