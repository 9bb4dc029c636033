package io.moetier.storage.expert;

/// How cold experts get from their file into anonymous memory.
public enum IoMode {
    /// A copy from a read-only mapping of the file.
    MAPPED,
    /// A positional read through the page cache.
    PREAD,
    /// A positional read past the page cache (`O_DIRECT`).
    DIRECT,
    /// Past the page cache where memory cannot hold the weights, else the fastest by a measurement over the first
    /// reads.
    AUTO;

    private static final int OTHERS_SHARE = 8; // keys and values, activations, the JVM, beside the weights
    private static final int CACHED_PART = 2; // of what is available: the slots and everybody else want memory as well

    /// Says whether reads go past the page cache: what memory cannot hold would only take room from the slots there,
    /// and count as memory of this process where it has a limit.
    ///
    /// @param weightBytes of all files
    /// @param availableBytes of memory, before anything is loaded
    public boolean isPastCache(long weightBytes, long availableBytes) {
        return this == DIRECT || (this == AUTO && weightBytes + weightBytes / OTHERS_SHARE > availableBytes);
    }

    /// Says whether the system keeps in memory what was read once, beside what the engine keeps.
    ///
    /// @param weightBytes of all files
    /// @param availableBytes of memory, before anything is loaded
    public boolean isCached(long weightBytes, long availableBytes) {
        return this != DIRECT && weightBytes <= availableBytes / CACHED_PART;
    }
}
