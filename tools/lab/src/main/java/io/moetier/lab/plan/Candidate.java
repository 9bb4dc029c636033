package io.moetier.lab.plan;

import java.util.Optional;

/// A model that could be run, and how one comes by it.
///
/// @param name what a command calls it
/// @param quantisation what an import would round it to first, if it would
/// @param label what tells it from the others
public record Candidate(String name, Optional<String> quantisation, String label, PlannedModel model) {}
