package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.model.Tier;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Fills empty slots with the experts that are chosen most.
///
/// The hottest get theirs last, so that a policy that goes by recency lets them leave last. They are read in the order
/// of their ids, which is that of the store.
final class Warming {
    private final SizeClass sizeClass;
    private final int[] hottestLast;

    /// @param hottestLast experts of the size class that are not here, no more than there are free slots
    Warming(SizeClass sizeClass, int[] hottestLast) {
        this.sizeClass = sizeClass;
        this.hottestLast = hottestLast;
    }

    void run(TransferScheduler<Transfer> scheduler, Counters counters) {
        ExpertCache cache = sizeClass.cache();
        scheduler.stream(sizeClass.tier() == Tier.HOST);
        for (int id : hottestLast) {
            cache.reserve(id);
        }
        int[] inOrder = hottestLast.clone();
        Arrays.sort(inOrder);
        for (int id : inOrder) {
            scheduler.submit(sizeClass.transfers().get(cache.slotOf(id)).of(id, 0));
        }
        @Nullable Throwable failure = null;
        for (int i = 0; i < inOrder.length; i++) {
            Transfer transfer = scheduler.await();
            if (sizeClass.settle(transfer, counters)) {
                cache.unpin(transfer.slot());
            }
            failure = failure == null ? transfer.failure() : failure;
        }
        if (failure != null) {
            ExpertSequence.throwAgain(failure);
        }
    }
}
