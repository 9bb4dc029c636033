package io.moetier.cluster.membership;

/// What a member offers to others.
///
/// @param role what it is for
/// @param host where drivers reach it, `port` as well; empty and 0 if none can
/// @param ramBytes for experts, 0 of a driver
/// @param threads that compute
/// @param kernels which bits its kernels compute: equal where every product is equal
/// @param version of the program
public record Offer(Role role, String host, int port, long ramBytes, int threads, String kernels, String version) {
    /// What a member is for.
    public enum Role {
        /// Holds experts and computes them.
        NODE,
        /// Runs a model.
        DRIVER,
        /// Looks on.
        OBSERVER,
        /// Is there, but what it says of itself is not understood: its program is another. `version` says what is
        /// known.
        UNKNOWN
    }
}
