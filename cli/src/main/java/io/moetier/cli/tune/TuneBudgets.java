package io.moetier.cli.tune;

import io.moetier.cli.option.ExpertShare;
import io.moetier.cli.terminal.Plural;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.storage.memory.ByteSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Budgets as people write them: `25%` of all experts, or a size such as `4G`.
final class TuneBudgets {
    private static final double ROUNDING = 1e-9; // 12.5% of 768 must be 96 slots

    private TuneBudgets() {}

    /// Returns the slots that each budget buys.
    ///
    /// @throws IllegalArgumentException if one is no budget, or is too small for one layer
    static List<SlotPlan> plans(List<String> spellings, TraceHeader header, ModelSizes sizes) {
        SlotBudget budget = sizes.experts().budget(header.experts(), header.topK());
        List<SlotPlan> plans = new ArrayList<>();
        for (String spelling : spellings) {
            String text = spelling.strip();
            long bytes = ExpertShare.isOne(text)
                    ? (long) (ExpertShare.parse("--budgets", text) * budget.allBytes() + ROUNDING)
                    : size(text, sizes).bytes();
            if (bytes < budget.minimumBytes()) {
                throw tooSmall(text, bytes, header, sizes, budget.minimumBytes());
            }
            plans.add(new SlotPlan(
                    text, Arrays.stream(budget.slots(bytes)).boxed().toList()));
        }
        return plans;
    }

    private static ByteSize size(String text, ModelSizes sizes) {
        ByteSize size;
        try {
            size = ByteSize.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "--budgets: expected a share such as 25%, or a size such as 4G, found '" + text + "'", e);
        }
        if (!sizes.known()) {
            throw new IllegalArgumentException("--budgets " + text
                    + ": a trace does not tell the size of an expert; give --model MODEL or --expert-bytes SIZE");
        }
        return size;
    }

    private static IllegalArgumentException tooSmall(
            String text, long bytes, TraceHeader header, ModelSizes sizes, long least) {
        String found = sizes.known()
                ? text + " is " + ByteSize.format(bytes)
                : text + " of " + header.layers() * header.experts() + " experts is " + Plural.of(bytes, "slot");
        String needed = sizes.known() ? ByteSize.format(least) : Plural.of(least, "slot");
        return new IllegalArgumentException("--budgets: " + found + ", but the top-" + header.topK()
                + " experts of one layer, which are needed at the same time, take " + needed);
    }
}
