package io.moetier.cluster.wire;

/// How a driver begins.
///
/// @param version of the program
/// @param kernels which bits its kernels compute
/// @param mixed whether it takes nodes whose kernels differ
/// @param model the fingerprint of its model's store
/// @param manifest the manifest of that store, checksums of all experts among it
public record Hello(String version, String kernels, boolean mixed, String model, byte[] manifest) {}
