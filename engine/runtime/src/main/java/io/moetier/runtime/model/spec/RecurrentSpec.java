package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// A mixer that remembers a state of constant size instead of every position: each token changes it, and none can be
/// taken back.
public sealed interface RecurrentSpec extends MixerSpec
        permits GatedDeltaSpec, LightningSpec, Mamba2Spec, MambaSpec, ShortConvolutionSpec {
    /// How fast a state decays, by token: at exp(logRates)·softplus(step·x + stepBias).
    ///
    /// @param step its bias is that of the step
    record Decay(LinearSpec step, VectorSpec logRates) {}

    @Override
    List<Integer> states();
}
