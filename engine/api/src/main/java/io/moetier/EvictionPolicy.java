package io.moetier;

import java.util.List;
import java.util.function.IntPredicate;

/// Chooses the experts that leave memory: an embedder's own policy.
///
/// A policy numbers experts as the list that it was made for does, from 0. It never changes an answer, only how long
/// that takes. Whatever thread needs an expert calls, one at a time, and waits meanwhile: a policy is to be quick, and
/// not to call the model.
///
/// What a policy throws ends the answer under way and comes back as it is. Nobody asks the policy again then: in its
/// place the least recently used expert leaves.
public interface EvictionPolicy {
    /// Makes policies: one for each memory that holds experts of one size. A model on the processor has one memory;
    /// one on GPUs has that of each, and main memory below.
    @FunctionalInterface
    interface Factory {
        /// Returns a new policy for these slots, all of which are empty.
        EvictionPolicy create(Slots slots);
    }

    /// What a policy chooses for.
    ///
    /// @param count how many experts are resident at a time, at most
    /// @param experts all that may come
    record Slots(int count, List<Expert> experts) {
        public Slots {
            experts = List.copyOf(experts);
        }
    }

    /// An expert of a model.
    ///
    /// @param layer its layer, counted from 0
    /// @param number its number in the layer, counted from 0
    record Expert(int layer, int number) {}

    /// Takes what the router of one layer chose for the tokens of a step, before the accesses that follow from it. The
    /// arrays are the caller's and change after the call.
    ///
    /// @param experts the first `count` are the chosen ones, each once
    /// @param weights the factors of the experts' outputs, each summed over the tokens
    default void onChoice(int[] experts, float[] weights, int count) {}

    /// Takes that an expert was chosen.
    ///
    /// @param resident whether it was found: a hit
    default void onAccess(int expert, boolean resident) {}

    /// Takes that an expert is resident from now on.
    default void onEntry(int expert) {}

    /// Takes that an expert is no longer resident: it was chosen to leave, or could not be read.
    default void onExit(int expert) {}

    /// Returns the resident expert that leaves for `newcomer`.
    ///
    /// @param newcomer any expert where memory has to be given back, which may be resident if all are
    /// @param mayLeave says which may: those that are resident and not in use, at least one
    int victim(int newcomer, IntPredicate mayLeave);

    /// Says whether `newcomer`, which is to be loaded ahead of its use, is worth the slot of `victim`.
    default boolean admits(int newcomer, int victim) {
        return true;
    }
}
