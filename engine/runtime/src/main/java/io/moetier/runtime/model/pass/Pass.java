package io.moetier.runtime.model.pass;

import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.model.vision.Sight;
import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// What the forward pass under way is about: so many tokens from a position on, what they are computed for, and who
/// watches. Its buffers are a [Workspace].
///
/// One for all passes of a session, so that a pass allocates nothing; confined to it.
public final class Pass {
    private int n;
    private int firstPosition;
    private int[] tokens = {};
    private int firstToken; // of this pass, among those
    private int textLength;
    private Phase phase = Phase.PREFILL;
    private ActivityListener activity = ActivityListener.NONE;
    private RoutingListener listener = RoutingListener.NONE;
    private @Nullable MixtureObserver observer;
    private Sight sight = Sight.NOTHING;
    private boolean muted;
    private BooleanSupplier cancelled = () -> false;

    /// Begins the next pass, over `n` tokens from position `firstPosition` on.
    public void begin(int n, int firstPosition, Phase phase) {
        this.n = n;
        this.firstPosition = firstPosition;
        this.phase = phase;
    }

    /// Returns how many tokens it is over.
    public int n() {
        return n;
    }

    /// Returns the position of the first of them.
    public int firstPosition() {
        return firstPosition;
    }

    /// Says what the tokens are: those of `newTokens` from index `from` on.
    public void read(int[] newTokens, int from) {
        tokens = newTokens;
        firstToken = from;
    }

    /// Returns a token by its number in this pass.
    public int token(int i) {
        return tokens[firstToken + i];
    }

    public Phase phase() {
        return phase;
    }

    /// Returns how many tokens the text has, with those that are still to come of what is appended together.
    public int textLength() {
        return textLength;
    }

    /// Says how many tokens the text has with those that the next passes append.
    public void expectLength(int length) {
        textLength = length;
    }

    /// Returns the images among the tokens.
    public Sight sight() {
        return sight;
    }

    /// Returns whether the token at a position is one of the text or of an image.
    public Modality modality(int position) {
        return sight.isAmong(position, 1) ? Modality.IMAGE : Modality.TEXT;
    }

    /// Says which images are among the tokens from now on.
    public void see(Sight newSight) {
        sight = newSight;
    }

    /// Returns who is told which section begins.
    public ActivityListener activity() {
        return activity;
    }

    /// Registers `newActivity`, which is told of the sections of this pass.
    public void follow(ActivityListener newActivity) {
        activity = newActivity;
    }

    /// Registers `newListener`, which is told of every routing decision from now on.
    public void listen(RoutingListener newListener) {
        listener = newListener;
    }

    /// Registers `newObserver`, which is shown every mixture from now on.
    public void observe(@Nullable MixtureObserver newObserver) {
        observer = newObserver;
    }

    /// Reports no routing decision and shows nothing while `muted`.
    public void mute(boolean muted) {
        this.muted = muted;
    }

    /// Returns who is told of routing decisions now.
    public RoutingListener listener() {
        return muted ? RoutingListener.NONE : listener;
    }

    /// Returns who is shown mixtures now, if anybody is.
    public @Nullable MixtureObserver observer() {
        return muted ? null : observer;
    }

    /// Registers `supplier`, which is asked before each layer whether to give up.
    public void cancelWhen(BooleanSupplier supplier) {
        cancelled = supplier;
    }

    /// Asks whether to go on with a layer.
    ///
    /// @throws CancellationException if not
    public void goOn(int layer) {
        if (cancelled.getAsBoolean()) {
            throw new CancellationException("cancelled before layer " + layer);
        }
    }
}
