package io.moetier.cluster.wire;

/// How a node answers a driver that it takes.
///
/// @param kernels which bits its kernels compute
/// @param ramBytes that it has for experts of this model
/// @param bytesPerSecond of experts' weights that it computes from memory
/// @param readBytesPerSecond of experts that it reads from its disk
/// @param onDisk packed ids of the experts that it has on its disk, ascending
@SuppressWarnings("ArrayRecordComponent") // nobody compares two
public record Welcome(String kernels, long ramBytes, double bytesPerSecond, double readBytesPerSecond, int[] onDisk) {}
