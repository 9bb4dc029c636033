package io.moetier.lab.simulate;

import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// The slots that one budget buys, as the engine divides it over the sizes that experts have.
///
/// @param spelling the budget as it was asked for
/// @param slots by size class
public record SlotPlan(String spelling, List<Integer> slots) {
    public SlotPlan {
        slots = List.copyOf(slots);
    }

    /// Returns the slots of all sizes together.
    public int numSlots() {
        return slots.stream().mapToInt(each -> each).sum();
    }

    /// Returns the bytes of all slots.
    public long bytes(Sizes sizes) {
        long bytes = 0;
        for (int c = 0; c < slots.size(); c++) {
            bytes += slots.get(c) * sizes.slotBytes().get(c);
        }
        return bytes;
    }

    /// Which size the experts of each layer have.
    ///
    /// @param classOfLayer by MoE layer, as the trace counts them
    /// @param slotBytes by size class
    public record Sizes(List<Integer> classOfLayer, List<Long> slotBytes) {
        public Sizes {
            classOfLayer = List.copyOf(classOfLayer);
            slotBytes = List.copyOf(slotBytes);
        }

        /// Returns those of a model whose experts are all of one size.
        public static Sizes uniform(int layers, long bytes) {
            return new Sizes(Collections.nCopies(layers, 0), List.of(bytes));
        }

        /// Returns how many sizes there are.
        public int numClasses() {
            return slotBytes.size();
        }

        /// Returns what is needed to divide a budget.
        public SlotBudget budget(int experts, int topK) {
            List<SizeClassCount> counts = new ArrayList<>();
            for (int c = 0; c < slotBytes.size(); c++) {
                int layers = Collections.frequency(classOfLayer, c);
                counts.add(new SizeClassCount(layers * experts, slotBytes.get(c)));
            }
            return new SlotBudget(counts, topK);
        }
    }
}
