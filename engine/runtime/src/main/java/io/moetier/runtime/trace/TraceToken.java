package io.moetier.runtime.trace;

import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.Optional;
import java.util.OptionalInt;

/// What one token chose: for each MoE layer the experts by falling weight, an empty array where nothing was recorded.
///
/// The arrays are handed over, not copied: whoever makes a token must not change them afterwards.
public final class TraceToken {
    private final int request;
    private final int position;
    private final OptionalInt step;
    private final Phase phase;
    private final int[][] experts;
    private final Optional<float[][]> weights;
    private final Optional<Tier[][]> tiers;
    private final Modality modality;

    /// Makes a token of which nobody noted the step.
    public TraceToken(
            int request,
            int position,
            Phase phase,
            int[][] experts,
            Optional<float[][]> weights,
            Optional<Tier[][]> tiers) {
        this(request, position, OptionalInt.empty(), phase, experts, weights, tiers);
    }

    /// `weights` and `tiers`, where known, have the shape of `experts`.
    public TraceToken(
            int request,
            int position,
            OptionalInt step,
            Phase phase,
            int[][] experts,
            Optional<float[][]> weights,
            Optional<Tier[][]> tiers) {
        this.request = request;
        this.position = position;
        this.step = step;
        this.phase = phase;
        this.experts = experts;
        this.weights = weights;
        this.tiers = tiers;
        this.modality = Modality.TEXT;
    }

    private TraceToken(TraceToken of, Modality modality) {
        this.request = of.request;
        this.position = of.position;
        this.step = of.step;
        this.phase = of.phase;
        this.experts = of.experts;
        this.weights = of.weights;
        this.tiers = of.tiers;
        this.modality = modality;
    }

    /// Returns this token as one of a text or of an image; without that it is of a text.
    public TraceToken of(Modality newModality) {
        return newModality == modality ? this : new TraceToken(this, newModality);
    }

    public int request() {
        return request;
    }

    /// Returns the token's index within its request.
    public int position() {
        return position;
    }

    /// Returns the number of the forward pass that computed the token: tokens of a request with one number went
    /// through each layer together.
    public OptionalInt step() {
        return step;
    }

    public Phase phase() {
        return phase;
    }

    /// Returns whether it is a token of a text or of an image.
    public Modality modality() {
        return modality;
    }

    /// Returns the chosen experts, `[layers][k]`.
    public int[][] experts() {
        return experts;
    }

    /// Returns the weights the router gave to [#experts()].
    public Optional<float[][]> weights() {
        return weights;
    }

    /// Returns the tier that each of [#experts()] was found in.
    public Optional<Tier[][]> tiers() {
        return tiers;
    }
}
