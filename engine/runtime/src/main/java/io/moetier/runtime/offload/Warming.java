package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.model.Tier;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
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

    /// Reads them, as long as nothing else is asked for; returns whether all were.
    ///
    /// @param isAsked whether slots are to move, which those that are being filled cannot; then reads that have not
    ///     begun are taken back
    boolean run(TransferScheduler<Transfer> scheduler, Counters counters, BooleanSupplier isAsked) {
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
        boolean all = true;
        int underWay = inOrder.length;
        while (underWay > 0) {
            Transfer transfer = scheduler.await();
            underWay--;
            if (sizeClass.settle(transfer, counters)) {
                cache.unpin(transfer.slot());
            }
            failure = failure == null ? transfer.failure() : failure;
            if (isAsked.getAsBoolean()) {
                int taken = takeBack(scheduler);
                underWay -= taken;
                all &= taken == 0;
            }
        }
        if (failure != null) {
            ExpertSequence.throwAgain(failure);
        }
        return all;
    }

    private int takeBack(TransferScheduler<Transfer> scheduler) {
        int taken = 0;
        for (Transfer dropped; (dropped = scheduler.cancel()) != null; taken++) {
            sizeClass.cache().abandon(dropped.slot());
        }
        return taken;
    }
}
