package io.moetier.lab.sweep;

import io.moetier.lab.simulate.MissDivision;
import io.moetier.lab.simulate.SlotPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// What experts take, and how many missing ones a processor computes: the formula by which these are divided is
/// evaluated once, by who asks.
///
/// @param onProcessor by size class and number of missing experts, from 0 to all of a layer
record SweepSizes(SlotPlan.Sizes sizes, List<List<Integer>> onProcessor) implements MissDivision {
    /// @throws IllegalArgumentException if they do not belong together
    SweepSizes {
        onProcessor = onProcessor.stream().map(List::copyOf).toList();
        List<List<Integer>> tables = onProcessor;
        boolean whole = sizes.numClasses() >= 1
                && sizes.numClasses() == tables.size()
                && sizes.slotBytes().stream().allMatch(bytes -> bytes >= 1)
                && sizes.classOfLayer().stream().allMatch(c -> c >= 0 && c < tables.size())
                && tables.stream()
                        .allMatch(table -> table.size() == tables.getFirst().size() && isDivision(table));
        if (!whole) {
            throw new IllegalArgumentException("sizes of experts that do not belong together");
        }
    }

    /// Evaluates a division.
    static SweepSizes of(SlotPlan.Sizes sizes, int experts, MissDivision division) {
        List<List<Integer>> tables = new ArrayList<>();
        for (long bytes : sizes.slotBytes()) {
            tables.add(IntStream.rangeClosed(0, experts)
                    .mapToObj(missing -> division.onProcessor(missing, (double) bytes))
                    .toList());
        }
        return new SweepSizes(sizes, tables);
    }

    private static boolean isDivision(List<Integer> table) {
        return table.size() >= 2
                && IntStream.range(0, table.size())
                        .allMatch(missing -> table.get(missing) >= 0 && table.get(missing) <= missing);
    }

    /// Returns how many experts a layer has.
    int experts() {
        return onProcessor.getFirst().size() - 1;
    }

    /// Returns how many layers have experts.
    int layers() {
        return sizes.classOfLayer().size();
    }

    @Override
    public int onProcessor(int missing, double expertBytes) {
        int sizeClass = sizes.slotBytes().indexOf((long) expertBytes);
        return onProcessor.get(sizeClass).get(missing);
    }
}
