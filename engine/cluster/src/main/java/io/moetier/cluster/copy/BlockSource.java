package io.moetier.cluster.copy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Somebody who has blocks of experts of one model: a disk of this machine, or another machine. Any number of threads
/// may call at once.
public interface BlockSource {
    /// Returns what people call it.
    String name();

    /// Says whether it has an expert, as far as is known without asking.
    boolean has(int id);

    /// Learns anew what it has, where that must be asked for.
    ///
    /// @throws IOException if it does not answer
    default void refresh() throws IOException {}

    /// Fills `destination` with the block of an expert.
    ///
    /// @param destination the layout's `slotBytes` of anonymous memory that starts on a page; what follows
    ///     the block in it is unspecified afterwards, and all of it if this fails
    /// @throws IOException if it cannot be read there
    /// @throws RuntimeException if it is not there or damaged
    void read(int id, MemorySegment destination) throws IOException;

    /// Ends the reads that are under way, which fail.
    default void cancel() {}
}
