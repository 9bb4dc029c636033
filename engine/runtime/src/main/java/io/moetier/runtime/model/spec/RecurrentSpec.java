package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

/// A mixer that remembers a state of constant size instead of every position: each token changes it, and none can be
/// taken back.
public sealed interface RecurrentSpec extends MixerSpec
        permits GatedDeltaSpec, LightningSpec, Mamba2Spec, MambaSpec, ShortConvolutionSpec {
    /// How fast a state decays, by token: at exp(logRates)·softplus(step·x + stepBias).
    ///
    /// @param rank what makes narrow rows that steps are made of instead of x, if anything does
    /// @param step its bias is that of the step
    record Decay(Optional<LinearSpec> rank, LinearSpec step, VectorSpec logRates) {
        /// One whose steps are made of x.
        public Decay(LinearSpec step, VectorSpec logRates) {
            this(Optional.empty(), step, logRates);
        }

        /// Returns what is made of x: steps, or what they are made of.
        LinearSpec input() {
            return rank.orElse(step);
        }
    }

    @Override
    List<Integer> states();
}
