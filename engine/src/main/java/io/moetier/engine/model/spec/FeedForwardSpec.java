package io.moetier.engine.model.spec;

/// The second half of a decoder layer: one dense MLP, or a mixture of experts.
public sealed interface FeedForwardSpec permits DenseSpec, MoeSpec {}
