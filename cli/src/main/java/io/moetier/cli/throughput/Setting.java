package io.moetier.cli.throughput;

import io.moetier.lab.throughput.Case;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.session.EngineConfig;
import java.util.Optional;
import java.util.OptionalLong;

/// With what a model is loaded once.
///
/// @param budget as it was asked for
/// @param ramBytes of it; nothing for what fits
/// @param threads that compute; 0 for a GPU
/// @param maxKld what may be lost beyond what else was asked for; 0 for nothing
record Setting(String budget, OptionalLong ramBytes, int threads, double maxKld) {
    EngineConfig of(EngineConfig config) {
        EngineConfig threaded = threads == 0 ? config : config.withThreads(threads);
        EngineConfig sized = ramBytes.isPresent() ? threaded.withRamBytes(ramBytes.getAsLong()) : threaded;
        ExpertSelection selection = sized.numerics().selection();
        boolean isExact = maxKld == 0 && selection.maxKld().isEmpty();
        return sized.withSelection(
                isExact
                        ? selection.withCopies(Optional.empty())
                        : maxKld == 0 ? selection : selection.withMaxKld(maxKld));
    }

    /// Returns the name for people.
    String label() {
        return Case.setting(budget, threads, maxKld);
    }
}
