package io.moetier;

/// How experts come into memory and leave it. Nothing of that changes an answer.
///
/// @param eviction which ones leave
/// @param prefetch whether some are loaded before a layer asks for them
/// @param reading how they are read from disk
public record Caching(Eviction eviction, Prefetch prefetch, Reading reading) {
    /// What most would choose.
    public static final Caching DEFAULT = new Caching(Eviction.AUTO, Prefetch.AUTO, Reading.AUTO);

    /// Whether experts are loaded before a layer asks for them, behind those that one has asked for.
    public enum Prefetch {
        /// Never.
        OFF,
        /// For prompts; for tokens where not all experts fit into memory, as far as measurements say that it saves
        /// time.
        AUTO,
        /// Always.
        ON
    }

    /// How experts are read from disk.
    public enum Reading {
        /// Copied from a mapping of the file.
        MAPPED,
        /// Through the page cache of the system.
        PREAD,
        /// Past the page cache.
        DIRECT,
        /// Past the page cache where memory cannot hold the weights, else as is fastest by a measurement over the first
        /// reads.
        AUTO
    }

    /// Returns the same with other experts that leave.
    public Caching withEviction(Eviction choice) {
        return new Caching(choice, prefetch, reading);
    }

    /// Returns the same with another way of loading ahead.
    public Caching withPrefetch(Prefetch choice) {
        return new Caching(eviction, choice, reading);
    }

    /// Returns the same with another way to read.
    public Caching withReading(Reading choice) {
        return new Caching(eviction, prefetch, choice);
    }
}
