package io.moetier.runtime.metrics;

import java.util.Locale;

/// What a step is busy with. Operations that go between two sections belong to the one before.
public enum Section {
    EMBEDDING,
    /// Attention, or what a layer has in its place, with the norms around it.
    ATTENTION,
    /// A feed-forward network that every token visits.
    FEED_FORWARD,
    ROUTER,
    /// Experts, and what is done with their results.
    EXPERTS,
    /// The computation stands still for want of an expert.
    WAIT,
    /// The computation stands still for what nodes compute.
    NODES,
    /// From the last layer to the logits.
    HEAD;

    /// Returns the name for people.
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// Says whether it is a part of a layer.
    public boolean isOfLayer() {
        return this != EMBEDDING && this != HEAD;
    }
}
