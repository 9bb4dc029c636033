package io.moetier.engine.model.spec;

/// An expert that every token visits, weighted by sigmoid(gate·x) (Qwen1.5-MoE).
public record SharedExpertSpec(DenseSpec ffn, LinearSpec gate) {}
