package io.moetier.runtime.model.mixture;

import org.jspecify.annotations.Nullable;

/// Which experts a token is sent to, of those that a router would choose.
///
/// @param selection how many
/// @param loss leaves out some of these
/// @param copies stand for some of these; null if there are none
public record TokenExperts(
        ExpertSelection selection, LossMeter loss, @Nullable ExpertCopies copies) {}
