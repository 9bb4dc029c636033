package io.moetier.runtime.convert;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/// An importance matrix as llama.cpp writes it: for the input of each matrix, the mean square of every column, under
/// the name of the matrix in a GGUF file. Experts of a stack follow each other.
///
/// Only what stands where is read when it is opened, so that a file may be larger than what a model needs of it.
sealed interface ImportanceFile extends AutoCloseable permits ImportanceSums, ImportanceList {
    /// How much there is of a matrix.
    ///
    /// @param size values: a number of columns, or that of each expert
    /// @param matrices how many numbers of rows were counted, for one matrix each; 1 where all have the same
    record Extent(long size, long matrices) {}

    /// Opens a file of either form.
    ///
    /// @throws MalformedModelException if it is neither, or is damaged
    static ImportanceFile open(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new MalformedModelException(path + ": no such file");
        }
        return isGguf(path) ? ImportanceSums.of(path) : ImportanceList.of(path);
    }

    private static boolean isGguf(Path path) {
        byte[] magic = {'G', 'G', 'U', 'F'};
        try (var file = Files.newInputStream(path)) {
            return Arrays.equals(file.readNBytes(magic.length), magic);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /// Returns a refusal of a file that the operating system does not give.
    static MalformedModelException unreadable(Path path, IOException cause) {
        return new MalformedModelException(path + ": cannot be read: " + IoFailure.reason(cause), cause);
    }

    Path path();

    /// Returns the matrices in the file's order.
    Map<String, Extent> extents();

    /// Returns the mean squares of a matrix that is there; zeros for an expert that was never chosen, or the same
    /// number throughout.
    ///
    /// @throws MalformedModelException if the file ends early or cannot be read, or if they are no mean squares
    float[] means(String name);

    /// Refuses what cannot be a mean of squares.
    static float[] requireMeans(Path path, String name, float[] means) {
        for (float mean : means) {
            if (!(mean >= 0 && mean < Float.POSITIVE_INFINITY)) { // false for NaN
                throw MalformedModelException.of(path, "entry " + name, "mean squares, 0 or more", mean);
            }
        }
        return means;
    }

    @Override
    void close();
}
