package io.moetier.runtime.session;

/// The main memory that a machine can give to experts which it computes for others, beside nothing else.
public final class NodeMemory {
    private static final long BUFFER_BYTES = 256L << 20; // activations that come and go, and blocks on their way

    private NodeMemory() {}

    /// Returns what the limit of this process that leaves the least for experts leaves.
    public static MemoryPlan plan() {
        return MemoryBudget.plan(new MemoryNeeds(0, 0, 0, 0, BUFFER_BYTES, 0, 0));
    }
}
