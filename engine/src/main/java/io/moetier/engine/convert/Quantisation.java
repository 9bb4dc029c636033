package io.moetier.engine.convert;

import io.moetier.storage.model.DType;
import java.util.Locale;

/// What an import does to the weights.
public enum Quantisation {
    /// Every tensor keeps its type; nothing is lost.
    KEEP,
    /// Matrices become `Q8_0`, except routers and those whose rows are not whole blocks.
    Q8_0;

    /// Returns the spelling used on the command line and in manifests.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    DType target(DType source, int cols) {
        return this == Q8_0 && cols % DType.Q8_0.blockElements() == 0 ? DType.Q8_0 : source;
    }
}
