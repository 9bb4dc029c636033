package io.moetier.runtime.remote;

/// What is decided of other machines.
///
/// @param nodesCompute whether they compute experts, or this machine everything
/// @param sentence why, for people
public record NodesVerdict(boolean nodesCompute, String sentence) {}
