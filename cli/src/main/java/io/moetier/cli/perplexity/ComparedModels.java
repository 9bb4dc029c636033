package io.moetier.cli.perplexity;

import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.memory.AvailableMemory;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A model and, where there is one, the reference it is compared with, both in memory.
///
/// Where no budget is given, each engine alone would take nearly all memory that is free. So the model leaves half of
/// it, and the reference what the model has not touched yet.
record ComparedModels(LoadedModel model, @Nullable LoadedModel reference) implements AutoCloseable {
    /// Loads both with the same configuration, the reference as it was trained.
    static ComparedModels load(Stores stores, Path model, @Nullable Path reference, EngineConfig config) {
        if (reference == null) {
            return new ComparedModels(stores.load(model, config, true), null);
        }
        LoadedModel first = stores.load(model, config.withReservedBytes(AvailableMemory.bytes() / 2), true);
        try {
            EngineConfig rest =
                    config.withReservedBytes(first.engine().pendingBytes()).withSelection(ExpertSelection.TRAINED);
            return new ComparedModels(first, stores.load(reference, rest, false));
        } catch (RuntimeException | Error e) {
            first.close();
            throw e;
        }
    }

    /// Returns the tokens that a session of either holds.
    int contextLength() {
        int length = model.engine().contextLength();
        return reference == null ? length : Math.min(length, reference.engine().contextLength());
    }

    @Override
    public void close() {
        try (model) {
            if (reference != null) {
                reference.close();
            }
        }
    }
}
