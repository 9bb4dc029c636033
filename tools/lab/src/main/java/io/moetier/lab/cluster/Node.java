package io.moetier.lab.cluster;

/// A machine that computes experts for a driver, and the way there.
public record Node(Machine machine, Link link) {}
