package io.moetier.runtime.model.pass;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.storage.model.Tier;
import java.util.Arrays;

/// What mixtures need beside what all blocks do: the router's logits and choices, the experts' rows, and guesses of
/// what later layers will choose.
public final class MixtureBuffers {
    private final DeviceBuffer residual;
    private final DeviceBuffer logits;
    private final DeviceBuffer sharedGate;
    private final DeviceBuffer[] logitsAndSharedGate; // those two
    private final DeviceBuffer expertRows;
    private final ExpertChoices choices;
    private final ExpertChoices headChoices;
    private final Tier[] tiers;
    private final float[] ones;
    private final DeviceBuffer weightedInputs;
    private final ExpertGroups groups;
    private final StreamBuffers aheadStreams;
    private final DeviceBuffer aheadInput;
    private final DeviceBuffer[] aheadLogits;
    private final ExpertChoices ahead;

    MixtureBuffers(ModelSpec spec, int batch, Workspace.Allocator floats, DeviceBuffer residual) {
        this.residual = residual;
        int numExperts = Workspace.widest(
                spec.moeLayers().stream().mapToInt(moe -> moe.router().routing().numExperts()));
        int numChoices = batch * Workspace.widest(spec.moeLayers().stream().mapToInt(MoeSpec::numExpertsPerToken));
        int numHeadChoices = batch
                * spec.blocks(MixtureOfHeadsSpec.class)
                        .mapToInt(MixtureOfHeadsSpec::numExpertsPerToken)
                        .max()
                        .orElse(0);
        boolean anyShared =
                spec.moeLayers().stream().anyMatch(moe -> moe.sharedExpert().isPresent());
        logits = floats.of(batch, numExperts);
        sharedGate = floats.of(batch, 1);
        logitsAndSharedGate = new DeviceBuffer[] {logits, sharedGate};
        expertRows = floats.of(numChoices + (anyShared ? batch : 0), spec.hiddenSize());
        choices = new ExpertChoices(floats.of(1, ExpertChoices.floats(numChoices)));
        headChoices = new ExpertChoices(floats.of(1, ExpertChoices.floats(numHeadChoices)));
        tiers = new Tier[numChoices];
        boolean weighsInputs = spec.moeLayers().stream().anyMatch(MoeSpec::weighsInputs);
        ones = new float[weighsInputs ? numChoices : 0];
        Arrays.fill(ones, 1f);
        weightedInputs = floats.of(weighsInputs ? numChoices : 0, spec.hiddenSize());
        groups = new ExpertGroups(2 * numExperts, numChoices + batch); // and as many copies in fewer bits
        aheadStreams = StreamBuffers.of(spec, 1, floats);
        aheadInput = floats.of(1, spec.hiddenSize());
        aheadLogits = new DeviceBuffer[] {floats.of(1, numExperts)};
        ahead = new ExpertChoices(floats.of(1, ExpertChoices.floats(numExperts)));
    }

    /// Returns the residual stream `[batch, hiddenSize]`, or several, to be read: what routers of later layers are
    /// shown.
    public DeviceBuffer residual() {
        return residual;
    }

    /// Returns a router's logits `[batch, numExperts]`.
    public DeviceBuffer logits() {
        return logits;
    }

    /// Returns the logits of a shared expert's gate `[batch]`.
    public DeviceBuffer sharedGate() {
        return sharedGate;
    }

    /// Returns the last two, for a router that gives both.
    public DeviceBuffer[] logitsAndSharedGate() {
        return logitsAndSharedGate;
    }

    /// Returns what experts give `[batch * (k + 1 for a shared expert), hiddenSize]`.
    public DeviceBuffer expertRows() {
        return expertRows;
    }

    /// Returns the choices `[batch, k]`.
    public ExpertChoices choices() {
        return choices;
    }

    /// Returns the choices `[batch, k]` of mixtures of heads.
    public ExpertChoices headChoices() {
        return headChoices;
    }

    /// Returns where the chosen experts were `[batch, k]`.
    public Tier[] tiers() {
        return tiers;
    }

    /// Returns weights of 1 `[batch, k]`, if any experts' inputs are weighted.
    public float[] ones() {
        return ones;
    }

    /// Returns the weighted inputs `[batch * k, hiddenSize]`, if there are any.
    public DeviceBuffer weightedInputs() {
        return weightedInputs;
    }

    /// Returns the tokens by expert.
    public ExpertGroups groups() {
        return groups;
    }

    /// Returns what stands between several residual streams and that, of one token.
    public StreamBuffers aheadStreams() {
        return aheadStreams;
    }

    /// Returns what a later layer's router is shown `[hiddenSize]`.
    public DeviceBuffer aheadInput() {
        return aheadInput;
    }

    /// Returns its logits, one buffer `[numExperts]`.
    public DeviceBuffer[] aheadLogits() {
        return aheadLogits;
    }

    /// Returns the guesses and their likelihoods `[numExperts]`.
    public ExpertChoices ahead() {
        return ahead;
    }

    /// Returns the floats of what grows with the batch.
    long floats() {
        return (long) logits.length()
                + sharedGate.length()
                + expertRows.length()
                + weightedInputs.length()
                + choices.room().length()
                + headChoices.room().length();
    }
}
