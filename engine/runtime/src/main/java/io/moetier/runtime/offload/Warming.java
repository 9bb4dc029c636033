package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Fills empty slots with the experts that are chosen most.
///
/// The hottest get theirs last, so that a policy that goes by recency lets them leave last. They are read in the order
/// of their ids, which is that of the store.
final class Warming {
    private static final int FIRST_TOKENS = 32;
    /// An expert that is chosen this often is as likely as not to be chosen within the first tokens, so that reading it
    /// ahead costs at most one read that would not have been.
    private static final double LEAST_SHARE = 1 - Math.pow(0.5, 1.0 / FIRST_TOKENS);

    private final SizeClass sizeClass;
    private final int[] hottestLast;

    /// Chooses among `ids`, those of the size class, by their share of tokens.
    Warming(SizeClass sizeClass, IntStream ids, IntToDoubleFunction share) {
        this.sizeClass = sizeClass;
        int[] hottest = ids.filter(id -> share.applyAsDouble(id) > LEAST_SHARE)
                .boxed()
                .sorted(Comparator.comparingDouble(share::applyAsDouble).reversed())
                .limit(sizeClass.cache().numSlots())
                .mapToInt(id -> id)
                .toArray();
        hottestLast = IntStream.rangeClosed(1, hottest.length)
                .map(i -> hottest[hottest.length - i])
                .toArray();
    }

    void run(TransferScheduler<Transfer> scheduler, Counters counters) {
        ExpertCache cache = sizeClass.cache();
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
