package io.moetier.engine.model.spec;

/// Root mean square normalisation (Zhang and Sennrich 2019): x·rsqrt(mean(x²) + eps)·weight over `size` elements.
public record NormSpec(String weight, int size, float eps) {}
