package io.moetier.runtime.convert;

import io.moetier.runtime.convert.Importance.Columns;
import io.moetier.runtime.convert.ImportanceFile.Extent;
import io.moetier.runtime.model.gguf.GgufModel;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.MatrixSlice;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds the entries of an importance matrix that belong to the matrices of a model, and keeps count of them.
final class ImportanceEntries {
    /// `NAME[number in a stack][rows]`, as [GgufModel#names] says.
    private static final Pattern PLACE = Pattern.compile(
            "(.*?)(?:\\[(\\d+)])?(?:\\[\\d+\\.\\.\\d+])?(" + Pattern.quote(GgufModel.OTHER_COLUMNS) + ")?");

    private final ImportanceFile file;
    private final long room;
    private final Map<String, Place> places = new HashMap<>();
    private final Map<String, Integer> stacked = new HashMap<>();
    private final Map<String, float[]> means = new HashMap<>();
    private final Map<String, Columns> columns = new HashMap<>();
    private final List<String> missing = new ArrayList<>();
    private int found;
    private long held; // bytes
    private int unseenExperts;
    private int experts;

    /// Where a matrix lies in a GGUF file.
    ///
    /// @param number among those of a stack; 0 if it is none
    /// @param sameColumns whether its columns are in the order of the model's
    private record Place(String tensor, int number, boolean sameColumns) {}

    /// @param names of the model's matrices in a GGUF file, with their numbers in stacks
    /// @param room bytes that the entries may take of the Java heap
    ImportanceEntries(ImportanceFile file, Map<String, String> names, long room) {
        this.file = file;
        this.room = room;
        names.forEach((matrix, name) -> {
            Matcher parts = PLACE.matcher(name);
            if (parts.matches()) {
                Optional<String> number = Optional.ofNullable(parts.group(2));
                Place place =
                        new Place(parts.group(1), number.map(Integer::valueOf).orElse(0), parts.group(3) == null);
                places.put(matrix, place);
                stacked.merge(place.tensor(), place.number() + 1, Math::max);
            }
        });
    }

    /// Takes the entry of a matrix, if there is one.
    void find(LinearSpec linear) {
        Place place = places.get(linear.weight());
        if (place == null || !file.extents().containsKey(place.tensor()) || isTurned(linear, place)) {
            missing.add(linear.weight());
        } else {
            take(linear, place);
        }
    }

    /// Says whether the columns of a matrix are rows of the entry's, or columns in another order.
    private boolean isTurned(LinearSpec linear, Place place) {
        boolean transposed = linear.slice().filter(MatrixSlice::isTransposed).isPresent();
        return !place.sameColumns() || (transposed && numStacked(place) == 1);
    }

    /// Takes the entries of an expert, which must be there.
    void require(DenseSpec expert) {
        boolean seen = true;
        for (LinearSpec linear : expert.linears()) {
            Place place = Objects.requireNonNull(places.get(linear.weight()), linear.weight());
            if (!file.extents().containsKey(place.tensor())) {
                throw MalformedModelException.of(
                        file.path(), "entry " + place.tensor(), "that of this model's experts", "none");
            }
            seen &= take(linear, place);
        }
        experts++;
        unseenExperts += seen ? 0 : 1;
    }

    /// Returns whether its columns count differently.
    private boolean take(LinearSpec linear, Place place) {
        requireFit(linear, place);
        float[] all = means.computeIfAbsent(place.tensor(), this::read);
        int from = all.length == linear.cols() ? 0 : place.number() * linear.cols();
        Columns own = new Columns(all, from, linear.cols());
        found++;
        if (own.areEqual()) {
            return false;
        }
        columns.put(linear.weight(), own);
        return true;
    }

    private float[] read(String tensor) {
        held += Float.BYTES * Objects.requireNonNull(file.extents().get(tensor)).size();
        if (held > room) {
            throw MalformedModelException.of(
                    file.path(), "entries", "at most " + room + " bytes, as the Java heap has room for", held);
        }
        return file.means(tensor);
    }

    private void requireFit(LinearSpec linear, Place place) {
        Extent extent = Objects.requireNonNull(file.extents().get(place.tensor()));
        int matrices = numStacked(place);
        int cols = linear.cols();
        boolean together = extent.size() == cols && extent.matrices() == 1;
        boolean each = extent.size() == (long) matrices * cols && extent.size() <= Integer.MAX_VALUE / Float.BYTES;
        if (!together && !each) {
            throw MalformedModelException.of(
                    file.path(),
                    "entry " + place.tensor(),
                    (matrices > 1 ? matrices + " x " : "") + cols + " columns, as this model has",
                    extent.size());
        }
        if (extent.matrices() != 1 && extent.matrices() != matrices) {
            throw MalformedModelException.of(
                    file.path(),
                    "entry " + place.tensor(),
                    "counts of " + matrices + " matrices, as this model has",
                    extent.matrices());
        }
    }

    private int numStacked(Place place) {
        return stacked.getOrDefault(place.tensor(), 1);
    }

    Map<String, Columns> columns() {
        return columns;
    }

    /// Returns a line that says what of the model the file weighs, and what not.
    String summary() {
        StringBuilder line = new StringBuilder(file.path().getFileName() + " weighs the columns of " + columns.size()
                + " of " + (found + missing.size()) + " matrices");
        if (unseenExperts > 0) {
            line.append("; it has not seen " + unseenExperts + " of " + experts + " experts");
        }
        if (!missing.isEmpty()) {
            line.append("; it leaves out " + listed(missing));
        }
        List<String> unknown = unknown();
        if (!unknown.isEmpty()) {
            line.append("; not of this model: " + listed(unknown));
        }
        return line.toString();
    }

    private List<String> unknown() {
        Set<String> tensors = new HashSet<>();
        places.values().forEach(place -> tensors.add(place.tensor()));
        return file.extents().keySet().stream()
                .filter(name -> !tensors.contains(name))
                .toList();
    }

    private static String listed(List<String> names) {
        return names.getFirst() + (names.size() > 1 ? " and " + (names.size() - 1) + " more" : "");
    }
}
