package io.moetier.runtime.model.spec;

/// A block that looks at each token alone: one dense MLP, or a mixture of experts.
public sealed interface FeedForwardSpec extends BlockSpec permits DenseSpec, MoeSpec {}
