package io.moetier.runtime.convert;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import java.util.Locale;

/// What an import makes of a matrix.
///
/// Rows that are not whole blocks of 256 become `Q8_0` instead, and those that are not whole blocks of 32 keep their
/// type; so does what has the type already.
public enum Rounding {
    /// It keeps its type; nothing is lost.
    KEEP,
    Q8_0,
    Q6_K,
    Q4_K,
    Q4_0;

    /// Returns the spelling used on the command line and in manifests.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Says whether the importance of columns shows: in eight bits the scale is that of the largest weight.
    boolean weighs() {
        return this == Q6_K || this == Q4_K || this == Q4_0;
    }

    /// Returns the type that a matrix with rows of `cols` elements gets.
    ///
    /// @throws IllegalArgumentException if it would not become smaller
    DType target(TensorInfo tensor, int cols) {
        DType source = tensor.dtype();
        if (this == KEEP) {
            return source;
        }
        DType wanted = DType.valueOf(name());
        if (cols % wanted.blockElements() == 0) {
            if (source != wanted && !isSmaller(wanted, source)) {
                throw new IllegalArgumentException(tensor.file() + ": tensor " + tensor.name() + " is " + source.label()
                        + " already, which " + label() + " would not make smaller");
            }
            return wanted;
        }
        boolean wholeBlocks = cols % DType.Q8_0.blockElements() == 0;
        return wholeBlocks && isSmaller(DType.Q8_0, source) ? DType.Q8_0 : source;
    }

    private static boolean isSmaller(DType one, DType other) {
        return one.blockBytes() * other.blockElements() < other.blockBytes() * one.blockElements();
    }
}
