package io.moetier.engine.model.spec;

import io.moetier.engine.device.Routing;

/// What chooses the experts of a token: a linear map to one logit per expert, and the rule that reads them.
///
/// @param linear [numExperts, hiddenSize]
public record RouterSpec(LinearSpec linear, Routing routing) {}
