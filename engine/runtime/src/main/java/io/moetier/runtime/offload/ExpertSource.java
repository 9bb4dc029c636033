package io.moetier.runtime.offload;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;

/// Where an [ExpertTier] gets experts from: the tier below it.
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

    /// Says whether [#read] would find room for the expert on its way now, without waiting for another thread.
    default boolean hasRoomFor(int id) {
        return true;
    }

    /// Fills `dst`, which is of the size of the expert's class, and returns where the expert was. Any number of threads
    /// may call at once.
    ///
    /// @param free must be reached before `dst` is written: kernels may still be reading it
    /// @throws io.moetier.storage.model.MalformedModelException if the expert is damaged
    /// @throws java.io.UncheckedIOException if it cannot be read
    Tier read(int id, MemorySegment dst, DeviceEvent free);
}
