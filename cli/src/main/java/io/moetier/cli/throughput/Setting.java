package io.moetier.cli.throughput;

import io.moetier.runtime.session.EngineConfig;
import java.util.OptionalLong;

/// With what a model is loaded once.
///
/// @param budget as it was asked for
/// @param ramBytes of it; nothing for what fits
/// @param threads that compute; 0 for a GPU
record Setting(String budget, OptionalLong ramBytes, int threads) {
    EngineConfig of(EngineConfig config) {
        EngineConfig threaded = threads == 0 ? config : config.withThreads(threads);
        return ramBytes.isPresent() ? threaded.withRamBytes(ramBytes.getAsLong()) : threaded;
    }

    /// Returns the name for people.
    String label() {
        return threads == 0 ? budget : budget + ", " + threads + (threads == 1 ? " thread" : " threads");
    }
}
