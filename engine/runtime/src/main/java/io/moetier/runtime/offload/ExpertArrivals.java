package io.moetier.runtime.offload;

import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;

/// The experts of one layer that are computed in one place, group after group as they become available there. Groups
/// and their order may differ from run to run.
///
/// The blocks of a group stay where they are until the next [#next()] or [#close()]. Confined to the thread that
/// computes.
public interface ExpertArrivals extends AutoCloseable {
    /// Moves to the next group, waiting for a missing expert if need be, or returns false after the last one.
    ///
    /// What the source threw when it read an expert is thrown here; the arrivals can then only be closed.
    boolean next();

    /// Says whether there is no expert, neither now nor later.
    boolean isEmpty();

    /// Says whether the next group can be had without waiting for the source.
    boolean isNextResident();

    /// Returns how many experts the group has.
    int size();

    /// Returns the number of expert `i` of the group in its layer.
    int expert(int i);

    /// Returns the memory of expert `i` of the group.
    MemorySegment block(int i);

    /// Returns where expert `i` of the group was found: in the fastest tier, or where it was loaded from.
    Tier tier(int i);

    /// Gives back every slot; loads that have begun are waited for, the others are dropped. Closing twice is harmless.
    @Override
    void close();
}
