package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.ExpertId;
import java.util.List;

/// Loads experts before a layer asks for them, while the loaders have nothing else to do, and behind a layer those that
/// it has had computed elsewhere.
///
/// Nothing that a layer waits for is held up by more than the loads that have begun, of which there are few; and a
/// guess takes the slot of no expert that is worth more than itself, by the [UseEstimator] of the cache. The next layer
/// of a prompt is loaded as
/// a whole, into half of the slots at most. Confined to the thread of its [ExpertTier]; allocates nothing after
/// construction.
final class Prefetcher {
    private static final int NONE = -1;

    private final TransferScheduler<Transfer> scheduler;
    private final Counters counters;
    private final PromptSlots promptSlots;
    private final List<SizeClass> sizeClasses;
    private final List<UseEstimator> estimators; // of the size classes' caches
    private final int[] sizeClassOfLayer;
    private final int mostUnderWay;
    private final int[] guesses;
    private final float[] likelihoods;
    private final int[] behind;
    private int numGuesses;
    private int nextGuess;
    private int numBehind;
    private int nextBehind;
    private int numUnderWay;
    private int numSinceBegin;
    private int streamed = NONE; // the layer whose experts are loaded as those of a prompt

    /// @param mostUnderWay how many loads may be under way at a time that no layer has asked for
    /// @param mostGuesses the most experts that are guessed at a time
    Prefetcher(
            TransferScheduler<Transfer> scheduler,
            Counters counters,
            PromptSlots promptSlots,
            int mostUnderWay,
            List<SizeClass> sizeClasses,
            int[] sizeClassOfLayer,
            int mostGuesses) {
        this.scheduler = scheduler;
        this.counters = counters;
        this.promptSlots = promptSlots;
        this.sizeClasses = sizeClasses;
        estimators = sizeClasses.stream()
                .map(sizeClass -> sizeClass.cache().estimator())
                .toList();
        this.sizeClassOfLayer = sizeClassOfLayer;
        this.mostUnderWay = mostUnderWay;
        guesses = new int[mostGuesses];
        likelihoods = new float[mostGuesses];
        behind = new int[mostGuesses];
    }

    /// Replaces what was guessed before by `experts[0..n)` of `layer`, the likeliest first.
    void guess(int layer, int[] experts, float[] likelihoods, int n) {
        streamed = NONE;
        numGuesses = Math.min(n, guesses.length);
        nextGuess = 0;
        for (int i = 0; i < numGuesses; i++) {
            guesses[i] = ExpertId.pack(layer, experts[i]);
            this.likelihoods[i] = likelihoods[i];
        }
    }

    /// Replaces what was guessed before by all experts `ids` of `layer`, the next one of a prompt; those that were
    /// chosen most of late come first.
    void stream(int layer, int[] ids) {
        streamed = layer;
        numGuesses = ids.length;
        nextGuess = 0;
        for (int i = 0; i < numGuesses; i++) {
            int frequency = estimatorOf(ids[i]).frequency(ids[i]);
            int at = i;
            for (; at > 0 && estimatorOf(guesses[at - 1]).frequency(guesses[at - 1]) < frequency; at--) {
                guesses[at] = guesses[at - 1];
            }
            guesses[at] = ids[i];
        }
    }

    /// Writes up to `k` experts that `layer` is most likely to choose at its next turn, the likeliest first, with their
    /// probabilities; returns how many there are.
    int likeliest(int layer, int[] experts, float[] probabilities, int k) {
        int sizeClass = layer < sizeClassOfLayer.length ? sizeClassOfLayer[layer] : NONE;
        return sizeClass == NONE ? 0 : estimators.get(sizeClass).likeliest(layer, experts, probabilities, k);
    }

    /// Says whether the experts of `layer` are loaded as those of a prompt.
    boolean isStreamed(int layer) {
        return streamed == layer;
    }

    /// Adds an expert that the layer under way has computed elsewhere, for [#startBehind()].
    void loadBehind(int id) {
        behind[numBehind++] = id;
    }

    /// Gives way to a layer that begins: what no loader has begun is dropped.
    void giveWay() {
        nextGuess = numGuesses;
        numBehind = 0;
        nextBehind = 0;
        numSinceBegin = 0;
        for (Transfer dropped = scheduler.cancel(); dropped != null; dropped = scheduler.cancel()) {
            drop(dropped);
        }
        settleEnded();
    }

    /// Records that no loader will begin a load of this.
    void drop(Transfer transfer) {
        numUnderWay--;
        sizeClassOf(transfer.id()).cache().abandon(transfer.slot());
    }

    /// Loads the next layer of a prompt behind everything that the layer under way has asked for.
    void streamBehind() {
        boolean found = true;
        while (streamed != NONE && nextGuess < numGuesses && found) {
            found = stream(guesses[nextGuess]);
            nextGuess += found ? 1 : 0;
        }
    }

    private boolean stream(int id) {
        SizeClass sizeClass = sizeClassOf(id);
        ExpertCache cache = sizeClass.cache();
        if (cache.slotOf(id) != NONE) {
            return true;
        }
        boolean mayStart = numSinceBegin < Math.max(1, cache.numSlots() / 2);
        int slot = mayStart ? promptSlots.tryReserve(cache, id) : NONE;
        if (slot != NONE) {
            submit(sizeClass.transfers().get(slot).ahead(id));
        }
        return slot != NONE;
    }

    /// Starts as many loads as there are idle loaders; called while no layer waits for a load, so that all that ends
    /// was begun here.
    void useIdleLoaders() {
        settleEnded();
        while (streamed == NONE && nextGuess < numGuesses && numUnderWay < mostUnderWay) {
            start(guesses[nextGuess], likelihoods[nextGuess]);
            nextGuess++;
        }
    }

    /// Loads experts that the layer which ends has had computed elsewhere, as many as there are idle loaders: those
    /// for which a slot is free, or which the policy prefers to the expert that would have to leave. Not before the
    /// end, since what the layer itself sends to a device would wait for the link.
    void startBehind() {
        settleEnded();
        while (nextBehind < numBehind && numUnderWay < mostUnderWay) {
            startBehind(behind[nextBehind++]);
        }
    }

    /// Books a load that ended: its expert may be used, and may leave, from now on. A load that failed is forgotten:
    /// whoever needs the expert will hear of it.
    void settle(Transfer transfer) {
        numUnderWay--;
        SizeClass sizeClass = sizeClassOf(transfer.id());
        if (sizeClass.settle(transfer, counters)) {
            sizeClass.cache().unpin(transfer.slot());
            count(transfer);
        }
    }

    /// Hands a load under way over to a layer, which has come to need the expert.
    void handOver(Transfer transfer, int index) {
        numUnderWay--;
        transfer.takeOver(index);
        count(transfer);
    }

    private void count(Transfer transfer) {
        if (transfer.isGuessed()) {
            counters.addPrefetch();
        }
    }

    private void settleEnded() {
        for (Transfer ended = scheduler.poll(); ended != null; ended = scheduler.poll()) {
            settle(ended);
        }
    }

    int numUnderWay() {
        return numUnderWay;
    }

    private void start(int id, float likelihood) {
        SizeClass sizeClass = sizeClassOf(id);
        ExpertCache cache = sizeClass.cache();
        if (cache.slotOf(id) != NONE || numSinceBegin >= cache.numSlots() / 2) {
            return; // more than half of the slots would push out what was loaded first
        }
        int victim = cache.victimFor(id);
        UseEstimator uses = estimatorOf(id);
        if (cache.numPinned() == cache.numSlots()
                || (victim != NONE && uses.worth(victim) >= uses.worthIf(id, likelihood))) {
            return;
        }
        submit(sizeClass.transfers().get(cache.tryReserve(id)).ahead(id));
    }

    private void startBehind(int id) {
        SizeClass sizeClass = sizeClassOf(id);
        ExpertCache cache = sizeClass.cache();
        boolean mayStart = cache.slotOf(id) == NONE && numSinceBegin < Math.max(1, cache.numSlots() / 2);
        int slot = mayStart ? cache.admit(id) : NONE;
        if (slot != NONE) {
            submit(sizeClass.transfers().get(slot).behind(id));
        }
    }

    private void submit(Transfer transfer) {
        numUnderWay++;
        numSinceBegin++;
        scheduler.submit(transfer);
    }

    private UseEstimator estimatorOf(int id) {
        return estimators.get(sizeClassOfLayer[ExpertId.layerOf(id)]);
    }

    private SizeClass sizeClassOf(int id) {
        return sizeClasses.get(sizeClassOfLayer[ExpertId.layerOf(id)]);
    }
}
