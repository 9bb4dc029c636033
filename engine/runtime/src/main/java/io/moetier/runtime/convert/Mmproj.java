package io.moetier.runtime.convert;

import io.moetier.runtime.convert.ModelSource.Tower;
import io.moetier.runtime.image.processor.ImageProcessor;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.gguf.GgufModel;
import io.moetier.storage.format.GgufParts;
import java.nio.file.Path;

/// The open file of a model's tower for images.
///
/// @param model what it makes of the language model
record Mmproj(GgufParts parts, GgufModel model, Tower place) implements AutoCloseable {
    /// Opens the tower of the model in `parts`.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file has none that fits the model
    static Mmproj open(GgufParts parts, Path file, boolean wasFound) {
        GgufParts mmproj = GgufParts.open(file);
        try {
            GgufModel model = Families.describe(parts, mmproj);
            ImageProcessor.of(model.tower().orElseThrow().preprocessor(), model.config());
            return new Mmproj(mmproj, model, new Tower(file, wasFound));
        } catch (RuntimeException | Error e) {
            mmproj.close();
            throw e;
        }
    }

    @Override
    public void close() {
        parts.close();
    }
}
