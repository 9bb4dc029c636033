package io.moetier.cluster.wire;

import io.moetier.kernels.device.FfnActivation;
import java.util.Map;

/// How a driver begins.
///
/// @param version of the program
/// @param kernels which bits its kernels compute
/// @param mixed whether it takes nodes whose kernels differ
/// @param model the digest of its model's experts
/// @param manifest the manifest of that store, layouts and checksums of all experts among it
/// @param activations what experts compute between their projections, by layer
@SuppressWarnings("ArrayRecordComponent") // nobody compares two
public record Hello(
        String version,
        String kernels,
        boolean mixed,
        String model,
        byte[] manifest,
        Map<Integer, FfnActivation> activations) {}
