package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.ExpertChoices;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.storage.model.Phase;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// Leaves experts with little weight out of decoding, or takes copies of them in fewer bits, and keeps what that costs
/// below a limit.
///
/// The *dose* of an expert that is left out is its share of the routing weights of its token and layer; what remains is
/// scaled so that the weights' sum stays. Where nothing but that layer's output changed, the KL divergence from the
/// exact model would be quadratic in it. But a change tips close decisions of the routers behind it, more of them the
/// larger it is, and each of these costs what it costs: so the divergence grows about as the sum of doses does
/// (docs/perplexity.md has figures), by a factor that is measured for each model. The dose of a copy is
/// the share of its expert times another factor that is measured, what a copy costs beside nothing at all.
///
/// Doses are spent like tokens of a leaky bucket: each decoded token adds what the limit allows, and nothing is left
/// out beyond what has been added. So the mean dose of the tokens decoded so far is never above it, whatever happens.
/// Within that a price decides: the largest dose that one load of a missing expert is worth, which rises while the
/// bucket fills and falls while it empties. An expert that is in memory saves far less time and is worth a part of
/// that; a copy, what reading it saves. Of leaving out and a copy the one is taken that is worth more beyond its dose.
///
/// Prompts are computed exactly: each of their experts is loaded once for all tokens.
///
/// Confined to the thread that computes; allocates nothing while it does. The figures may be read between steps.
public final class LossMeter {
    /// Doses are saved for at most so many tokens.
    private static final int MOST_SAVED_TOKENS = 32;

    private static final double WORTH_IN_MEMORY = 1.0 / 16; // reading memory beside reading a disk or a link
    private static final double STEP = 0.1; // most relative change of the price with a token

    private enum Mode {
        EXACT,
        UNKNOWN, // a limit, and not yet what a dose costs
        LIMITED,
        CALIBRATING
    }

    /// Knows which experts are in memory.
    @FunctionalInterface
    public interface Presence {
        /// Says whether an expert is where it is computed, or on its way there.
        boolean isHere(int layer, int expert);
    }

    private final Presence presence;
    private final OptionalDouble maxKld;
    private final @Nullable Copies copies;
    private Mode mode;
    private double kldPerDose;
    private double copyDose = 1; // of a copy, beside that of leaving its expert out
    private boolean calibratesCopies;
    private double allowed; // dose of a token, on average
    private double share;
    private SplittableRandom random = new SplittableRandom(0);
    private final Account account = new Account();
    private final Account beforeStep = new Account(); // that is computed

    /// Copies in fewer bits.
    ///
    /// @param presence which ones are in memory
    /// @param readingShare what reading one takes, as a share of what reading the expert does
    public record Copies(Presence presence, double readingShare) {}

    /// What was spent and saved.
    private static final class Account {
        private double saved;
        private double price; // the dose that a load is worth; where calibrating, the largest that is left out
        private long tokens;
        private double dose;
        private long choices;
        private long leftOut;
        private long missesLeftOut;
        private long copied;

        void become(Account other) {
            saved = other.saved;
            price = other.price;
            tokens = other.tokens;
            dose = other.dose;
            choices = other.choices;
            leftOut = other.leftOut;
            missesLeftOut = other.missesLeftOut;
            copied = other.copied;
        }
    }

    /// What is done with a choice.
    private enum Fate {
        EXACT,
        LEFT_OUT,
        COPIED
    }

    /// @param maxKld the limit of the mean KL divergence of decoded tokens, in nats, if there is one; decoding begins
    ///     when [#limit] has told what a dose costs
    /// @param copies null if there are none
    public LossMeter(Presence presence, OptionalDouble maxKld, @Nullable Copies copies) {
        this.presence = presence;
        this.maxKld = maxKld;
        this.copies = copies;
        mode = maxKld.isPresent() ? Mode.UNKNOWN : Mode.EXACT;
    }

    /// Begins to leave experts out of decoding.
    ///
    /// @param kldPerDose what a dose costs this model
    /// @param copyDose the dose of a copy, as a share of that of leaving its expert out; not used without copies
    /// @throws java.util.NoSuchElementException if there is no limit
    public void limit(double kldPerDose, double copyDose) {
        double maxKld = this.maxKld.orElseThrow();
        begin(Mode.LIMITED);
        this.kldPerDose = kldPerDose;
        this.copyDose = copyDose;
        allowed = maxKld / kldPerDose;
        account.price = Math.min(1, allowed);
    }

    /// Leaves out every choice of prompts too whose dose is at most `most`, with probability `share`.
    public void calibrate(double most, double share) {
        calibrate(most, share, false);
    }

    /// Takes copies, in prompts too, of every choice whose share of its token's weights is at most `most`, with
    /// probability `share`. The dose counts as that of leaving it out.
    ///
    /// @throws IllegalStateException if there are none
    public void calibrateCopies(double most, double share) {
        if (copies == null) {
            throw new IllegalStateException("there are no copies of experts to calibrate");
        }
        calibrate(most, share, true);
    }

    private void calibrate(double most, double share, boolean ofCopies) {
        begin(Mode.CALIBRATING);
        calibratesCopies = ofCopies;
        copyDose = 1;
        account.price = most;
        this.share = share;
        random = new SplittableRandom(1);
    }

    /// Leaves out nothing from here on; figures stay.
    public void pause() {
        mode = Mode.EXACT;
    }

    /// Notes how things stand before a pass over the decoder's layers.
    public void beginStep() {
        beforeStep.become(account);
    }

    /// Takes back what the step has added that was begun last, and did not come to its end: no token came of it.
    public void giveUpStep() {
        account.become(beforeStep);
    }

    /// Goes on with what [#calibrate] began.
    public void goOn() {
        mode = Mode.CALIBRATING;
    }

    private void begin(Mode next) {
        mode = next;
        account.become(new Account());
    }

    /// Says whether the loss is limited, and so whether some is possible.
    public boolean isLimited() {
        return mode == Mode.LIMITED;
    }

    /// Returns the mean dose of the tokens so far.
    public double dosePerToken() {
        return account.tokens == 0 ? 0 : account.dose / account.tokens;
    }

    /// Returns the estimate of the mean KL divergence of the tokens decoded so far, in nats.
    public double estimatedKld() {
        return dosePerToken() * kldPerDose;
    }

    /// Returns the share of choices that were left out.
    public double shareLeftOut() {
        return account.choices == 0 ? 0 : (double) account.leftOut / account.choices;
    }

    /// Returns the share of choices that copies in fewer bits stood for.
    public double shareCopied() {
        return account.choices == 0 ? 0 : (double) account.copied / account.choices;
    }

    /// Says whether there are copies to stand for experts.
    public boolean hasCopies() {
        return copies != null;
    }

    /// Returns how many loads were saved.
    public long loadsSaved() {
        return account.missesLeftOut;
    }

    /// Makes -1 with weight 0 of choices `[n, k]` that are left out, and adds `numChoices` to those that a copy stands
    /// for; says whether there are any.
    ///
    /// @param isFirst whether this is the first layer with experts of the pass
    /// @param layer whose experts are chosen; those from `numExperts` on cost nothing and stay
    /// @param numChoices how many experts, and others, a router chooses among
    /// @throws IllegalStateException if there is a limit, and nobody has told what a dose costs
    boolean leaveOut(
            Pass pass, boolean isFirst, int layer, ExpertChoices chosen, int k, int numExperts, int numChoices) {
        if (mode == Mode.EXACT || (mode != Mode.CALIBRATING && pass.phase() != Phase.DECODE)) {
            return false;
        }
        if (mode == Mode.UNKNOWN) {
            throw new IllegalStateException("maxKld needs to know what a dose costs this model: LossMeter.limit");
        }
        int n = pass.n();
        if (isFirst) {
            beginTokens(n);
        }
        long before = account.leftOut + account.copied;
        for (int token = 0; token < n; token++) {
            leaveOutOfToken(layer, chosen, token * k, k, numExperts, numChoices);
        }
        return account.leftOut + account.copied > before;
    }

    private void beginTokens(int n) {
        account.tokens += n;
        if (mode == Mode.LIMITED) {
            double most = MOST_SAVED_TOKENS * allowed;
            account.saved = Math.min(most, account.saved + allowed);
            account.price = Math.min(1, account.price * Math.exp(STEP * (2 * account.saved / most - 1)));
        }
    }

    private void leaveOutOfToken(int layer, ExpertChoices chosen, int from, int k, int numExperts, int numChoices) {
        int[] ids = chosen.ids();
        float[] weights = chosen.weights();
        int largest = from;
        double sum = 0;
        for (int i = from; i < from + k; i++) {
            account.choices += ids[i] < 0 ? 0 : 1;
            sum += weights[i];
            largest = weights[i] > weights[largest] ? i : largest;
        }
        if (!(sum > 0)) {
            return; // there is nothing to weigh by
        }
        double kept = sum;
        for (int i = from + k - 1; i >= from; i--) {
            double part = weights[i] / sum;
            Fate fate = ids[i] < 0 || ids[i] >= numExperts ? Fate.EXACT : fate(layer, ids[i], part, i == largest);
            if (fate == Fate.LEFT_OUT) {
                account.dose += part;
                account.leftOut++;
                kept -= weights[i];
                ids[i] = -1;
                weights[i] = 0;
            } else if (fate == Fate.COPIED) {
                account.dose += copyDose * part;
                account.copied++;
                ids[i] += numChoices;
            }
        }
        if (kept < sum) {
            for (int i = from; i < from + k; i++) {
                weights[i] = (float) (weights[i] * (sum / kept));
            }
        }
    }

    private Fate fate(int layer, int expert, double part, boolean isLargest) {
        if (mode == Mode.CALIBRATING) {
            boolean changes = part <= account.price && (calibratesCopies || !isLargest) && random.nextDouble() < share;
            return !changes ? Fate.EXACT : calibratesCopies ? Fate.COPIED : Fate.LEFT_OUT;
        }
        boolean isHere = presence.isHere(layer, expert);
        double saving = isHere ? WORTH_IN_MEMORY * account.price : account.price;
        double ofLeavingOut = isLargest || part > account.saved ? -1 : saving - part;
        double ofCopy = isHere ? -1 : worthOfCopy(layer, expert, part);
        if (ofLeavingOut < 0 && ofCopy < 0) {
            return Fate.EXACT;
        }
        account.missesLeftOut += isHere ? 0 : 1;
        boolean copies = ofCopy > ofLeavingOut;
        account.saved -= copies ? copyDose * part : part;
        return copies ? Fate.COPIED : Fate.LEFT_OUT;
    }

    /// Returns what a copy saves beyond its dose; less than 0 if it is not to be taken.
    private double worthOfCopy(int layer, int expert, double part) {
        if (copies == null || copyDose * part > account.saved) {
            return -1;
        }
        double reading = copies.presence().isHere(layer, expert) ? WORTH_IN_MEMORY : copies.readingShare();
        return account.price * (1 - reading) - copyDose * part;
    }
}
