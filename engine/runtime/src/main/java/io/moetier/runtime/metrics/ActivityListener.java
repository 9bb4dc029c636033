package io.moetier.runtime.metrics;

import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;

/// Is told what an engine does while it does it.
///
/// Steps, layers and sections are told by the thread that computes, reads and copies by the threads that make them.
/// Kernels of a device may run later than their section is told of: [io.moetier.kernels.device.DeviceMarks] tell when.
public interface ActivityListener {
    /// Nobody.
    ActivityListener NONE = new ActivityListener() {};

    /// A step begins: a forward pass of `tokens` tokens, and the logits after it.
    default void onStep(Phase phase, int tokens) {}

    /// A layer of the step begins, counted from zero; those of an encoder come first.
    default void onLayer(int layer) {}

    /// The section before ends and this one begins.
    default void enter(Section section) {}

    /// The step ends. Not told of one that fails.
    default void onStepEnd() {}

    /// An expert was read from disk, by the clock of [System#nanoTime()].
    ///
    /// @param id packed
    default void onRead(int id, long bytes, long startNanos, long endNanos) {}

    /// An expert was copied to a device, with the wait for its slot and for the copies before.
    default void onCopy(int id, long bytes, long startNanos, long endNanos) {}

    /// A node was asked for experts of a layer, and what it had to say has been received, by the clock of
    /// [System#nanoTime()].
    ///
    /// @param node what people call it
    /// @param nodeNanos of this time, in which it computed or read
    default void onNode(String node, int layer, long startNanos, long endNanos, long nodeNanos) {}

    /// The slots of a tier have become fewer or more, because memory was short or is so no more. Told by the
    /// thread that computes, or while none does.
    default void onSlots(Tier tier, int before, int now) {}
}
