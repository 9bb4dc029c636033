package io.moetier.lab.cluster;

import io.moetier.cluster.placement.Link;

/// A machine that computes experts for a driver, and the way there.
public record Node(Machine machine, Link link) {}
