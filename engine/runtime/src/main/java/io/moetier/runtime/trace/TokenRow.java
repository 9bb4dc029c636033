package io.moetier.runtime.trace;

import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import java.util.Arrays;

/// One token of a trace in arrays that each [TraceReader#read(TokenRow)] fills anew, so that a long trace is read
/// without an object per token.
///
/// Belongs to one thread, and to traces of one shape.
public final class TokenRow {
    /// Stands for a step that was not recorded.
    public static final int NO_STEP = -1;

    /// Stands behind the experts of a layer that has fewer than the most: in the first place where nothing was
    /// recorded.
    public static final int NONE = -1;

    final int layers;
    final int topK;
    final int[] experts;
    final float[] weights;
    int request;
    int position;
    int step;
    Phase phase = Phase.DECODE;
    Modality modality = Modality.TEXT;
    boolean hasWeights;

    /// Makes a row for the traces of a header's shape.
    public TokenRow(TraceHeader header) {
        layers = header.layers();
        topK = header.topK();
        experts = new int[layers * topK];
        weights = new float[layers * topK];
    }

    public int request() {
        return request;
    }

    /// Returns the token's index within its request.
    public int position() {
        return position;
    }

    /// Returns the number of the forward pass that computed the token, or [#NO_STEP].
    public int step() {
        return step;
    }

    public Phase phase() {
        return phase;
    }

    /// Returns whether it is a token of a text or of an image.
    public Modality modality() {
        return modality;
    }

    /// Returns the chosen experts, `[layers, k]`, those of a layer by falling weight, and [#NONE] after the last
    /// where they are fewer than `k`; the row's own array.
    public int[] experts() {
        return experts;
    }

    /// Returns the weights of [#experts()], which mean nothing unless [#hasWeights()]; the row's own array.
    public float[] weights() {
        return weights;
    }

    public boolean hasWeights() {
        return hasWeights;
    }

    /// Returns how many experts of a layer were recorded.
    public int numChosen(int layer) {
        int n = 0;
        while (n < topK && experts[layer * topK + n] != NONE) {
            n++;
        }
        return n;
    }

    /// Takes over a token that was read in the general way.
    void set(TraceToken token) {
        request = token.request();
        position = token.position();
        step = token.step().orElse(NO_STEP);
        phase = token.phase();
        modality = token.modality();
        hasWeights = token.weights().isPresent();
        for (int layer = 0; layer < layers; layer++) {
            int[] chosen = token.experts()[layer];
            int at = layer * topK;
            Arrays.fill(experts, at, at + topK, NONE);
            System.arraycopy(chosen, 0, experts, at, chosen.length);
            token.weights().ifPresent(w -> System.arraycopy(w[at / topK], 0, weights, at, chosen.length));
        }
    }
}
