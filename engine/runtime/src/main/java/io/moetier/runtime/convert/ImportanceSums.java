package io.moetier.runtime.convert;

import io.moetier.storage.format.GgufFile;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// An importance matrix in a GGUF file: sums of squares (`NAME.in_sum2`), and how many rows were summed
/// (`NAME.counts`),
/// in all or for each expert.
final class ImportanceSums implements ImportanceFile {
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";

    private final GgufFile file;
    private final Map<String, Extent> extents;

    private ImportanceSums(GgufFile file) {
        this.file = file;
        this.extents = extents(file);
    }

    static ImportanceSums of(Path path) {
        GgufFile file = GgufFile.open(path);
        try {
            return new ImportanceSums(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static Map<String, Extent> extents(GgufFile file) {
        Map<String, Extent> extents = new LinkedHashMap<>();
        for (RawTensor sums : file.tensors().values()) {
            if (sums.name().endsWith(SUMS)) {
                String name = sums.name().substring(0, sums.name().length() - SUMS.length());
                RawTensor counts = file.tensors().get(name + COUNTS);
                if (counts == null) {
                    throw MalformedModelException.of(
                            file.file(), "tensor " + name + COUNTS, "one beside " + sums.name(), "no such tensor");
                }
                extents.put(
                        name,
                        new Extent(
                                sums.require().numElements(), counts.require().numElements()));
            }
        }
        if (extents.isEmpty()) {
            throw MalformedModelException.of(
                    file.file(), "tensors", "an importance matrix, with NAME" + SUMS, "none of these");
        }
        return extents;
    }

    @Override
    public Path path() {
        return file.file();
    }

    @Override
    public Map<String, Extent> extents() {
        return extents;
    }

    @Override
    public float[] means(String name) {
        float[] means = read(name + SUMS);
        float[] counts = read(name + COUNTS);
        int cols = means.length / counts.length;
        for (int matrix = 0; matrix < counts.length; matrix++) {
            float count = counts[matrix];
            if (!(count >= 0 && count < Float.POSITIVE_INFINITY)) { // false for NaN
                throw MalformedModelException.of(
                        path(), "tensor " + name + COUNTS, "numbers of rows, 0 or more", count);
            }
            for (int i = matrix * cols; i < (matrix + 1) * cols; i++) {
                means[i] = count > 0 ? means[i] / count : 0;
            }
        }
        return ImportanceFile.requireMeans(path(), name, means);
    }

    private float[] read(String tensor) {
        return file.readFloats(
                Objects.requireNonNull(file.tensors().get(tensor)).require());
    }

    @Override
    public void close() {
        file.close();
    }
}
