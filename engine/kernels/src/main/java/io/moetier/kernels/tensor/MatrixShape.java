package io.moetier.kernels.tensor;

import io.moetier.storage.model.DType;
import java.util.Locale;
import java.util.Optional;

/// What packed bytes are: the element type and the shape, written in a file as for example `bf16 4096 256`.
public record MatrixShape(DType dtype, int rows, int cols) {
    /// Reads the written form; empty if it is none.
    public static Optional<MatrixShape> parse(String written) {
        String[] words = written.split(" ", -1);
        try {
            return words.length == 3
                    ? Optional.of(new MatrixShape(
                            DType.valueOf(words[0].toUpperCase(Locale.ROOT)),
                            Integer.parseInt(words[1]),
                            Integer.parseInt(words[2])))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /// Returns the bytes of the packed matrix.
    public long packedBytes() {
        return WeightMatrix.packedBytes(dtype, rows, cols);
    }

    @Override
    public String toString() {
        return dtype.label() + " " + rows + " " + cols;
    }
}
