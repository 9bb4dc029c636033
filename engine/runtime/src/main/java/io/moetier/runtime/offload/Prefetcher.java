package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.util.List;
import java.util.function.IntPredicate;

/// Loads experts before a layer asks for them, behind everything that is asked for, and behind a layer those that
/// it has had computed elsewhere.
///
/// A few guesses are queued behind what the layer under way waits for, so that loaders go on by themselves when they
/// have loaded it. Nothing that a layer waits for is held up by more than the loads that have begun, one for each
/// loader; what is loaded meanwhile is loaded no more later, so a likely guess costs no time where loading is all that
/// is waited for. A guess takes the slot of no expert that is worth more than itself, by the [UseEstimator] of the
/// cache, and what was guessed and is here is held until it is guessed anew.
///
/// The next layer of a prompt is loaded as a whole, into half of the slots at most. Confined to the thread of its
/// [ExpertTier]; allocates nothing after construction.
final class Prefetcher {
    private static final int NONE = -1;

    /// Likely guesses that are queued for each loader: one that it loads and one that it goes on with.
    private static final int GUESSES_PER_LOADER = 2;

    /// From here on it is likelier that an expert is needed than not.
    private static final float LIKELY = 0.5f;

    /// One slot of so many may hold an expert for a layer to come; the others are enough for any layer.
    private static final int HELD_SHARE = 4;

    private final TransferScheduler<Transfer> scheduler;
    private final Counters counters;
    private final PromptSlots promptSlots;
    private final List<SizeClass> sizeClasses;
    private final List<UseEstimator> estimators; // of the size classes' caches
    private final int[] sizeClassOfLayer;
    private final int numLoaders;
    private final boolean besideDemand; // copies to a device share a link: none is guessed while one is waited for
    private final int[] guesses;
    private final float[] likelihoods;
    private final int[] behind;
    private final int[] held; // experts that are here, pinned for layers to come
    private int numHeld;
    private int numGuesses;
    private int nextGuess;
    private int numBehind;
    private int nextBehind;
    private int failedBehind = NONE; // the latest expert that failed to load, of those that were not guessed
    private int numUnderWay;
    private int numSinceBegin;
    private IntPredicate elsewhere = _ -> false;
    private int streamed = NONE; // the layer whose experts are loaded as those of a prompt

    /// @param numLoaders how many loads may be under way at a time that no layer has asked for
    /// @param mostGuesses the most experts that are guessed at a time
    Prefetcher(
            TransferScheduler<Transfer> scheduler,
            Counters counters,
            PromptSlots promptSlots,
            int numLoaders,
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
        this.numLoaders = numLoaders;
        besideDemand = sizeClasses.getFirst().tier() == Tier.HOST;
        guesses = new int[mostGuesses];
        likelihoods = new float[mostGuesses];
        behind = new int[mostGuesses];
        held = new int[mostGuesses];
    }

    /// Registers which experts are not to be loaded ahead, by packed id.
    void leaveOut(IntPredicate elsewhere) {
        this.elsewhere = elsewhere;
    }

    /// Forgets what was guessed before.
    void beginGuesses() {
        releaseHeld();
        streamed = NONE;
        numGuesses = 0;
        nextGuess = 0;
    }

    /// Adds `experts[0..n)` of `layer` to what is guessed, the likeliest first, and holds those that are here; says
    /// whether anything that is guessed is not.
    boolean guess(int layer, int[] experts, float[] likelihoods, int n) {
        for (int i = 0; i < n; i++) {
            int id = ExpertId.pack(layer, experts[i]);
            if (elsewhere.test(id)) {
                continue;
            }
            SizeClass sizeClass = sizeClassOf(id);
            int slot = sizeClass.cache().slotOf(id);
            if (slot == NONE && numGuesses < guesses.length) {
                guesses[numGuesses] = id;
                this.likelihoods[numGuesses++] = likelihoods[i];
            } else if (slot != NONE && !sizeClass.transfers().get(slot).isUnderWay()) {
                hold(sizeClass.cache(), id, slot);
            }
        }
        return numGuesses > 0;
    }

    /// Keeps an expert for a layer to come: the policy knows nothing of guesses and may think little of it.
    private void hold(ExpertCache cache, int id, int slot) {
        if (besideDemand && numHeld < Math.min(held.length, cache.numSlots() / HELD_SHARE)) {
            cache.pin(slot);
            held[numHeld++] = id;
        }
    }

    /// Lets what is held leave again.
    void releaseHeld() {
        while (numHeld > 0) {
            int id = held[--numHeld];
            ExpertCache cache = sizeClassOf(id).cache();
            cache.unpin(cache.slotOf(id));
        }
    }

    /// Replaces what was guessed before by all experts `ids` of `layer`, the next one of a prompt; those that were
    /// chosen most of late come first.
    void stream(int layer, int[] ids) {
        releaseHeld();
        streamed = layer;
        numGuesses = 0;
        nextGuess = 0;
        for (int id : ids) {
            if (elsewhere.test(id)) {
                continue;
            }
            int frequency = estimatorOf(id).frequency(id);
            int at = numGuesses++;
            for (; at > 0 && estimatorOf(guesses[at - 1]).frequency(guesses[at - 1]) < frequency; at--) {
                guesses[at] = guesses[at - 1];
            }
            guesses[at] = id;
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

    /// Queues a few guesses behind everything that the layer under way has asked for.
    ///
    /// @param numAwaited how many loads that layer waits for; while it waits for none, all that ends was begun here
    void guessBehind(int numAwaited) {
        if (numAwaited == 0) {
            settleEnded();
        } else if (!besideDemand) {
            return;
        }
        while (streamed == NONE && nextGuess < numGuesses && numUnderWay < most(likelihoods[nextGuess])) {
            start(guesses[nextGuess], likelihoods[nextGuess]);
            nextGuess++;
        }
    }

    /// What is likelier not to be needed than needed may fill the time of idle loaders, but be no more than that.
    private int most(float likelihood) {
        return besideDemand && likelihood >= LIKELY ? GUESSES_PER_LOADER * numLoaders : numLoaders;
    }

    /// Loads experts that the layer which ends has had computed elsewhere, as many as there are idle loaders: those
    /// for which a slot is free, or which the policy prefers to the expert that would have to leave. Not before the
    /// end, since what the layer itself sends to a device would wait for the link.
    void startBehind() {
        settleEnded();
        while (nextBehind < numBehind && numUnderWay < numLoaders) {
            startBehind(behind[nextBehind++]);
        }
    }

    /// Loads an expert behind everything that is asked for, into a slot that is free; one loader stays free for
    /// what is asked for. Says whether that is settled: the expert is here, has failed to load since it was last
    /// asked for so, or finds no free slot. If it is not, the load is under way, or others are, or it gave way to
    /// a layer.
    boolean fillBehind(int id) {
        settleEnded();
        SizeClass sizeClass = sizeClassOf(id);
        ExpertCache cache = sizeClass.cache();
        int slot = cache.slotOf(id);
        if (slot != NONE) {
            return !sizeClass.transfers().get(slot).isUnderWay();
        }
        if (id == failedBehind || cache.numResident() == cache.numSlots()) {
            failedBehind = NONE;
            return true;
        }
        if (numUnderWay < Math.max(1, numLoaders - 1)) {
            submit(sizeClass.transfers().get(cache.reserve(id)).behind(id));
        }
        return false;
    }

    /// Waits for what is being loaded, and takes back what no loader has begun.
    void finish() {
        giveWay();
        while (numUnderWay > 0) {
            settle(scheduler.await());
        }
    }

    /// Books a load that ended: its expert may be used, and may leave, from now on. A load that failed is forgotten:
    /// whoever needs the expert will hear of it.
    void settle(Transfer transfer) {
        numUnderWay--;
        SizeClass sizeClass = sizeClassOf(transfer.id());
        if (sizeClass.settle(transfer, counters)) {
            if (streamed == NONE && transfer.isGuessed()) {
                hold(sizeClass.cache(), transfer.id(), transfer.slot());
            }
            sizeClass.cache().unpin(transfer.slot());
            count(transfer);
        } else if (!transfer.isGuessed()) {
            failedBehind = transfer.id();
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
