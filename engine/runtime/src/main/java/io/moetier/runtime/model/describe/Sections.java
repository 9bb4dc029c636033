package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

/// Matrices that lie one above the other in one tensor of a checkpoint: once, or once for each of several groups of
/// heads.
final class Sections {
    private final String prefix;
    private final int rows;
    private final int cols;
    private final int groups;
    private final boolean biased;
    private int taken; // rows of a group

    private Sections(String prefix, int rows, int cols, int groups, boolean biased) {
        this.prefix = prefix;
        this.rows = rows;
        this.cols = cols;
        this.groups = groups;
        this.biased = biased;
    }

    /// @param rows of all together
    static Sections of(String prefix, int rows, int cols, boolean biased) {
        return new Sections(prefix, rows, cols, 1, biased);
    }

    /// @param rows of all groups together
    static Sections grouped(String prefix, int rows, int cols, int groups, boolean biased) {
        return new Sections(prefix, rows, cols, groups, biased);
    }

    /// Returns the next matrix.
    ///
    /// @param numRows of all groups together
    LinearSpec next(String name, int numRows) {
        int first = taken;
        int groupRows = numRows / groups;
        taken += groupRows;
        LinearSpec linear = LinearSpec.of(prefix + "." + name + ".weight", numRows, cols)
                .at(slice(".weight", List.of((long) rows, (long) cols), first, cols, groupRows));
        return biased
                ? linear.withBias(new VectorSpec(
                        prefix + "." + name + ".bias",
                        numRows,
                        Optional.of(slice(".bias", List.of((long) rows), first, 1, groupRows))))
                : linear;
    }

    private TensorSlice slice(String suffix, List<Long> shape, int first, int width, int groupRows) {
        return new TensorSlice(
                prefix + suffix, shape, (long) first * width, width, 1, groupRows, (long) rows / groups * width);
    }
}
