package io.moetier.runtime.model.mixture;

/// Which experts a token is sent to, of those that a router would choose.
///
/// @param selection how many
/// @param loss leaves out some of these
public record TokenExperts(ExpertSelection selection, LossMeter loss) {}
