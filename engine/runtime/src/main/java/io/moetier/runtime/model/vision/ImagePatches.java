package io.moetier.runtime.model.vision;

/// An image as its tower reads it: patches of `rows` rows and `cols` columns, those that are merged into one row
/// behind each other.
///
/// @param values `[rows * cols, floats of a patch]`, normalised; not to be written
@SuppressWarnings("ArrayRecordComponent") // nobody compares images
public record ImagePatches(float[] values, int rows, int cols) {
    /// @throws IllegalArgumentException if there is no patch, or not as many values for each
    public ImagePatches {
        if (rows < 1 || cols < 1 || values.length == 0 || values.length % Math.multiplyExact(rows, cols) != 0) {
            throw new IllegalArgumentException(
                    values.length + " values are no image of " + rows + " by " + cols + " patches");
        }
    }

    /// Returns how many patches there are.
    public int number() {
        return rows * cols;
    }

    /// Returns how many floats a patch has.
    int floats() {
        return values.length / number();
    }
}
