package io.moetier.runtime.remote;

import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.expert.ExpertStore;

/// What nodes are asked to compute experts of.
///
/// @param spec of the model that runs
/// @param store of its experts; open as long as the engine
/// @param batch the most tokens of a pass
/// @param ramBytes that experts may take here
/// @param kernels which bits the engine's device computes, a word of [KernelBits]
/// @param onProcessor whether the processor computes here, be it that a device could not be had
public record Driven(
        ModelSpec spec, ExpertStore store, int batch, long ramBytes, String kernels, boolean onProcessor) {}
