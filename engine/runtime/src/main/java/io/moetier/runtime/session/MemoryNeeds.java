package io.moetier.runtime.session;

/// What main memory a model and its session need besides the experts that have more than the least room.
///
/// @param leastExperts the top-k experts of one layer
/// @param weights all other weights
/// @param weightsThere how much of these is in memory already
/// @param keyValues keys and values that are reserved from the beginning
/// @param workspace buffers of a session, and the rotations of all its positions, in the Java heap
/// @param loaders page cache that reading experts goes through
/// @param others what somebody else will take
record MemoryNeeds(
        long leastExperts,
        long weights,
        long weightsThere,
        long keyValues,
        long workspace,
        long loaders,
        long others) {}
