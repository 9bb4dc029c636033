package io.moetier.engine.offload;

import io.moetier.storage.model.ExpertId;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.stream.IntStream;

/// Divides a budget of bytes into slots, size class by size class.
final class SlotBudget {
    private final ExpertSource source;
    private final int numExpertsPerToken;
    private final int[] numExperts;

    /// @throws IllegalArgumentException if a size class has no expert
    SlotBudget(ExpertSource source, int numExpertsPerToken) {
        this.source = source;
        this.numExpertsPerToken = numExpertsPerToken;
        numExperts = new int[source.numSizeClasses()];
        for (int id : source.ids()) {
            numExperts[source.sizeClassOf(id)]++;
        }
        for (int c = 0; c < numExperts.length; c++) {
            if (numExperts[c] == 0) {
                throw new IllegalArgumentException("size class " + c + " has no expert");
            }
        }
    }

    /// Returns the bytes of all experts.
    long allBytes() {
        return IntStream.range(0, numExperts.length).mapToLong(this::classBytes).reduce(0, Math::addExact);
    }

    /// Returns the bytes of the top-k experts of one layer, for every size class.
    long minimumBytes() {
        return IntStream.range(0, numExperts.length)
                .mapToLong(c -> leastSlots(c) * source.slotBytes(c))
                .reduce(0, Math::addExact);
    }

    /// Returns the slots of each size class: at least the top-k of one layer, beyond that in proportion to the bytes
    /// of all its experts, never more than it has experts, and in all no more than `budgetBytes`.
    ///
    /// @throws IllegalArgumentException if the budget is below [#minimumBytes()]
    int[] slots(long budgetBytes) {
        if (budgetBytes < minimumBytes()) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "a budget of %,d bytes is too small: the top-%d experts of one layer need at least %,d bytes (%s)",
                    budgetBytes,
                    numExpertsPerToken,
                    minimumBytes(),
                    leastSlotsInWords()));
        }
        long spare = Math.min(budgetBytes, allBytes()) - minimumBytes();
        int[] slots = new int[numExperts.length];
        for (int c = 0; c < slots.length; c++) {
            slots[c] = leastSlots(c) + (int) (shareOf(c, spare) / source.slotBytes(c));
        }
        spendRemainder(slots, budgetBytes);
        return slots;
    }

    /// Returns the size class of each layer, -1 for a layer without experts.
    ///
    /// @throws IllegalArgumentException if a layer mixes size classes
    int[] sizeClassOfLayer() {
        int numLayers = IntStream.of(source.ids()).map(ExpertId::layerOf).max().orElse(-1) + 1;
        int[] classes = new int[numLayers];
        Arrays.fill(classes, -1);
        for (int id : source.ids()) {
            int layer = ExpertId.layerOf(id);
            int sizeClass = source.sizeClassOf(id);
            if (classes[layer] >= 0 && classes[layer] != sizeClass) {
                throw new IllegalArgumentException(
                        "layer " + layer + " mixes experts of size classes " + classes[layer] + " and " + sizeClass);
            }
            classes[layer] = sizeClass;
        }
        return classes;
    }

    /// Rounding down leaves a few slots' worth of bytes.
    private void spendRemainder(int[] slots, long budgetBytes) {
        long left = budgetBytes;
        for (int c = 0; c < slots.length; c++) {
            left -= slots[c] * source.slotBytes(c);
        }
        for (int c = 0; c < slots.length; c++) {
            int more = (int) Math.min(left / source.slotBytes(c), numExperts[c] - slots[c]);
            slots[c] += more;
            left -= more * source.slotBytes(c);
        }
    }

    private long shareOf(int sizeClass, long spare) {
        long growth = classBytes(sizeClass) - leastSlots(sizeClass) * source.slotBytes(sizeClass);
        long allGrowth = allBytes() - minimumBytes();
        return allGrowth == 0
                ? 0
                : BigInteger.valueOf(spare)
                        .multiply(BigInteger.valueOf(growth))
                        .divide(BigInteger.valueOf(allGrowth))
                        .longValueExact();
    }

    private int leastSlots(int sizeClass) {
        return Math.min(numExpertsPerToken, numExperts[sizeClass]);
    }

    private long classBytes(int sizeClass) {
        return Math.multiplyExact(numExperts[sizeClass], source.slotBytes(sizeClass));
    }

    private String leastSlotsInWords() {
        StringJoiner words = new StringJoiner(" + ");
        for (int c = 0; c < numExperts.length; c++) {
            words.add(String.format(Locale.ROOT, "%d slots of %,d bytes", leastSlots(c), source.slotBytes(c)));
        }
        return words.toString();
    }
}
