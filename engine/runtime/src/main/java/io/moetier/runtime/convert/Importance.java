package io.moetier.runtime.convert;

import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.memory.JavaHeap;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// How much errors in the columns of a model's matrices matter: the mean squares of what they are multiplied by, as the
/// square of a product's error is, on average, the sum of the squares of its weights' errors times these.
///
/// Found in an importance matrix by what a matrix is in the model, whatever the model's own files call it.
public final class Importance {
    /// All columns matter the same.
    public static final Importance NONE = new Importance(Optional.empty(), Map.of(), Optional.empty());

    /// What a column that is hardly ever used counts, of the mean.
    private static final float LEAST = 1e-3f;

    private final Optional<Path> path;
    private final Map<String, Columns> columns;
    private final Optional<String> summary;

    /// The means of one matrix, among those of others.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    record Columns(float[] means, int from, int count) {
        /// Says whether all count the same, as in an expert that was never chosen.
        boolean areEqual() {
            for (int i = from; i < from + count; i++) {
                if (means[i] != means[from]) {
                    return false;
                }
            }
            return true;
        }

        /// Returns what the columns count, of their mean.
        float[] scaled() {
            double sum = 0;
            for (int i = from; i < from + count; i++) {
                sum += means[i];
            }
            float[] scaled = new float[count];
            for (int i = 0; i < count; i++) {
                scaled[i] = Math.max(LEAST, (float) ((double) means[from + i] * count / sum));
            }
            return scaled;
        }
    }

    private Importance(Optional<Path> path, Map<String, Columns> columns, Optional<String> summary) {
        this.path = path;
        this.columns = columns;
        this.summary = summary;
    }

    /// Reads the importance matrix of a model.
    ///
    /// Matrices that it leaves out, such as embeddings, are rounded as without it; experts must be there.
    ///
    /// @throws MalformedModelException if the file cannot be read, is no importance matrix or that of another
    ///     model, or if the model's family has no GGUF names
    public static Importance read(Path path, ModelSpec spec) {
        return read(path, spec, JavaHeap.room());
    }

    /// @param room bytes that may be taken of the Java heap
    static Importance read(Path path, ModelSpec spec, long room) {
        try (ImportanceFile file = ImportanceFile.open(path)) {
            Map<String, String> names = Families.ggufNames(spec, file.extents()::containsKey)
                    .orElseThrow(() -> MalformedModelException.of(
                            path,
                            "entries",
                            "those of " + spec.family() + ", whose matrices have no names in GGUF files",
                            file.extents().size()));
            ImportanceEntries entries = new ImportanceEntries(file, names, room);
            spec.denseLinears().forEach(entries::find);
            spec.moeLayers().forEach(moe -> moe.experts().forEach(entries::require));
            return new Importance(Optional.of(path), entries.columns(), Optional.of(entries.summary()));
        }
    }

    /// Returns the importance of each column of a matrix, about 1; null if all are the same.
    float @Nullable [] of(LinearSpec linear) {
        Columns found = columns.get(linear.weight());
        return found == null ? null : found.scaled();
    }

    /// Returns the name of the file, if there is one.
    Optional<String> file() {
        return path.map(file -> String.valueOf(file.getFileName()));
    }

    /// Returns a line that says what of the model the file weighs, and what not, if there is one.
    public Optional<String> summary() {
        return summary;
    }

    /// Returns what tells stores of different importances from each other.
    String suffix() {
        if (path.isEmpty()) {
            return "";
        }
        CRC32C sum = new CRC32C();
        new TreeMap<>(columns).forEach((name, found) -> {
            sum.update(name.getBytes(StandardCharsets.UTF_8));
            for (int i = found.from(); i < found.from() + found.count(); i++) {
                int bits = Float.floatToIntBits(found.means()[i]);
                for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                    sum.update(bits >>> shift);
                }
            }
        });
        return String.format(Locale.ROOT, "-imatrix-%08x", sum.getValue());
    }
}
