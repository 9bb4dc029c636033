package io.moetier.runtime.metrics;

/// What is counted. A counter is added here and nowhere else.
public enum Counter {
    /// Experts that a layer needed and found in the fast tier.
    EXPERT_HITS,
    /// Experts that a layer needed and had to load, or had computed elsewhere.
    EXPERT_MISSES,
    /// Experts that left their slot for another one.
    EVICTIONS,
    /// Expert bytes read from disk.
    DISK_BYTES,
    /// Those of them that were read while tokens were decoded.
    DECODE_DISK_BYTES,
    /// Time of all loads; loads overlap, so the sum may exceed the time that passed.
    LOAD_NANOS,
    /// Time the computation stood still for want of an expert.
    WAIT_NANOS,
    /// Tokens of prompts.
    PREFILL_TOKENS,
    /// Time that they took.
    PREFILL_NANOS,
    /// Tokens that were decoded.
    DECODE_TOKENS,
    /// Time that they took.
    DECODE_NANOS,
    /// Experts applied to at least one token, once per layer and forward pass.
    EXPERTS_COMPUTED,
    /// Tokens that a layer chose experts for, once per layer.
    ROUTED_TOKENS,
    /// Experts that it chose for them.
    CHOSEN_EXPERTS,
    /// Experts whose load was begun before a layer asked for them.
    PREFETCHES,
    /// Those of them that a layer asked for before the expert left again.
    PREFETCH_HITS,
    /// Expert bytes that came to a device.
    COPIED_BYTES,
    /// Time of all experts that came to a device: of waiting for a place, reading and copying.
    COPY_NANOS,
    /// Experts that a layer needed and found in main memory, below a device.
    HOST_HITS,
    /// Experts that the processor computed beside a device.
    COMPUTED_ON_HOST,
    /// Experts that nodes computed, once per layer and forward pass.
    NODE_EXPERTS,
    /// Rows that they were applied to.
    NODE_ROWS,
    /// Experts that were asked of nodes and did not come back, so that they were computed here.
    NODE_MISSES,
    /// Time the computation stood still for nodes.
    NODE_WAIT_NANOS
}
