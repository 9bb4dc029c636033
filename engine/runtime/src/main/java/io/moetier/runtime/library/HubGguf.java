package io.moetier.runtime.library;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.hub.HubFile;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.hub.StandIns;
import io.moetier.runtime.model.gguf.Projector;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A model in GGUF on the hub, before it is downloaded: what the headers of its files say.
record HubGguf(HubSelection selection) {
    private static final String EXTENSION = ".gguf";
    private static final int MOST_PARTS = 32; // each of them takes a request or more

    /// Returns the model in GGUF that is selected, if it is one of which not too many headers tell.
    static Optional<HubGguf> of(HubSelection selection) {
        List<HubFile> files = selection.files().stream()
                .filter(file -> file.path().endsWith(EXTENSION))
                .toList();
        return selection
                .model()
                .filter(model -> model.endsWith(EXTENSION) && files.size() <= MOST_PARTS)
                .map(model -> new HubGguf(new HubSelection(files, Optional.of(model), Optional.empty())));
    }

    /// Refuses a model of which its headers tell that no import would read it.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException as an import
    void requireReadable(StandIns files) {
        Path opened = files.add(selection);
        files.read(() -> isModel(opened) ? storeBytes(opened) : 0);
    }

    /// Says whether a file claims to be a model: what goes with one, as a tower for images, is downloaded in the same
    /// way.
    private static boolean isModel(Path file) {
        try (GgufParts parts = GgufParts.open(file)) {
            JsonObject metadata = parts.metadata();
            boolean isTower = metadata.optionalString("general.architecture")
                    .filter(Projector.ARCHITECTURE::equals)
                    .isPresent();
            return !isTower
                    && metadata.optionalString("general.type")
                            .filter(type -> !type.equals("model"))
                            .isEmpty();
        }
    }

    /// Adds up what an import would write, for which it looks at all that it would read.
    private static long storeBytes(Path file) {
        try (ModelSource source = ModelSource.open(file)) {
            source.checkTokenizer();
            return new CheckpointImporter(source, Quantisation.KEEP).storeBytes();
        }
    }
}
