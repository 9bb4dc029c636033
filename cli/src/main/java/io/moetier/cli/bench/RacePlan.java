package io.moetier.cli.bench;

import java.nio.file.Path;
import java.util.List;

/// What each engine of a race is to do.
///
/// @param ids the tokens of the prompt
/// @param idsFile a file that holds them
/// @param generated how many tokens to generate
/// @param patienceSeconds for how long at most an engine generates; four times that is the most for all that it does
record RacePlan(Path model, List<Integer> ids, Path idsFile, int generated, int threads, double patienceSeconds) {
    RacePlan {
        ids = List.copyOf(ids);
    }
}
