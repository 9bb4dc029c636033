package io.moetier.runtime.session;

/// The main memory that a machine can give to experts which it computes for others, beside nothing else.
public final class NodeMemory {
    private static final long BUFFER_BYTES = 256L << 20; // activations that come and go, and blocks on their way

    private NodeMemory() {}

    /// Returns what every limit of this process leaves for experts, 0 if none of them does.
    public static long expertBytes() {
        MemoryNeeds needs = new MemoryNeeds(0, 0, 0, 0, BUFFER_BYTES, 0, 0);
        return Math.max(0, MemoryBudget.plan(needs).expertBytes());
    }
}
