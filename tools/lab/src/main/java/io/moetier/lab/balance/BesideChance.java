package io.moetier.lab.balance;

/// A figure beside what it would come to by chance alone.
public record BesideChance(double value, double byChance) {}
