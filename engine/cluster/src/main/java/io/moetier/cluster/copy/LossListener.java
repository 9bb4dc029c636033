package io.moetier.cluster.copy;

/// Hears of blocks that were on the disk and are so no longer, as they were damaged.
@FunctionalInterface
public interface LossListener {
    /// Is told by the thread that read the block, before the read fails.
    ///
    /// @param damage what was wrong with it
    void onLoss(String damage);
}
