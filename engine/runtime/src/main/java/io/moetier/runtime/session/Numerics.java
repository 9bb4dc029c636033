package io.moetier.runtime.session;

import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.mixture.ExpertSelection;

/// What changes the numbers that a model computes.
///
/// @param kv how keys and values are stored
/// @param selection how many experts a token is sent to
public record Numerics(KvType kv, ExpertSelection selection) {
    /// As the model was trained, with keys and values of two bytes.
    public static final Numerics DEFAULT = new Numerics(KvType.F16, ExpertSelection.TRAINED);
}
