package io.moetier.engine.offload;

import java.lang.foreign.MemorySegment;

/// Where the [HostTier] reads experts from: the DISK tier as it sees it.
///
/// All experts of a layer are of one size class.
public interface ExpertSource {
    /// Returns the packed ids of all experts.
    int[] ids();

    /// Returns how many size classes there are; they are numbered from zero.
    int numSizeClasses();

    int sizeClassOf(int id);

    /// Returns the bytes of one expert of the size class.
    long slotBytes(int sizeClass);

    /// Fills `dst`, which is of the size of the expert's class. Any number of threads may call at once.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the expert is damaged
    /// @throws java.io.UncheckedIOException if it cannot be read
    void read(int id, MemorySegment dst);
}
