package io.moetier.engine.model.spec;

/// A pre-norm decoder layer: h = x + attention(norm(x)); out = h + feedForward(norm(h)).
public record LayerSpec(
        NormSpec attentionNorm, AttentionSpec attention, NormSpec feedForwardNorm, FeedForwardSpec feedForward) {}
