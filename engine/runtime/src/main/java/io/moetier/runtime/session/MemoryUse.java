package io.moetier.runtime.session;

/// What an engine and one of its sessions hold in main memory, in bytes. The JVM's own memory comes on top.
///
/// @param experts experts that are in memory
/// @param otherWeights all other weights
/// @param keyValues keys and values of the session's positions, and the states of its recurrent blocks
/// @param workspace buffers of activations: the session's, and what the device keeps between operations; and rotations
public record MemoryUse(long experts, long otherWeights, long keyValues, long workspace) {
    /// Returns all of them together.
    public long total() {
        return experts + otherWeights + keyValues + workspace;
    }
}
