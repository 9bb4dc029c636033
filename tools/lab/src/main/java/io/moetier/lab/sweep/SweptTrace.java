package io.moetier.lab.sweep;

import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.Tuning;
import java.nio.file.Path;
import java.util.Optional;

/// A trace of a sweep, and what is asked about it.
///
/// @param simulator whose number of threads does not matter: each thread of a sweep does another task
/// @param question whose policies are known by their names
/// @param lru the contender that all others are compared with
/// @param census the trace that policies which need a census were made with
public record SweptTrace(
        Path trace, Simulator simulator, Tuning.Question question, Contender lru, Optional<Path> census) {}
