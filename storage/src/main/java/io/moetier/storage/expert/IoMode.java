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
    AUTO
}
