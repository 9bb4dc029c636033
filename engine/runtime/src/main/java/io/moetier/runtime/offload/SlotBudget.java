package io.moetier.runtime.offload;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import java.math.BigInteger;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.stream.IntStream;

/// Divides a budget of bytes into slots, size class by size class.
public final class SlotBudget {
    private final List<SizeClassCount> sizeClasses;
    private final int numExpertsPerToken;

    /// How many experts of one size there are.
    public record SizeClassCount(int numExperts, long slotBytes) {}

    /// @throws IllegalArgumentException if a size class has no expert
    public SlotBudget(List<SizeClassCount> sizeClasses, int numExpertsPerToken) {
        this.sizeClasses = List.copyOf(sizeClasses);
        this.numExpertsPerToken = numExpertsPerToken;
        for (int c = 0; c < sizeClasses.size(); c++) {
            if (sizeClasses.get(c).numExperts() == 0) {
                throw new IllegalArgumentException("size class " + c + " has no expert");
            }
        }
    }

    /// Returns the budget for the experts of `source`.
    public static SlotBudget of(ExpertSource source, int numExpertsPerToken) {
        int[] counts = new int[source.numSizeClasses()];
        for (int id : source.ids()) {
            counts[source.sizeClassOf(id)]++;
        }
        return new SlotBudget(
                IntStream.range(0, counts.length)
                        .mapToObj(c -> new SizeClassCount(counts[c], source.slotBytes(c)))
                        .toList(),
                numExpertsPerToken);
    }

    /// Returns the bytes of all experts.
    public long allBytes() {
        return IntStream.range(0, sizeClasses.size())
                .mapToLong(this::classBytes)
                .reduce(0, Math::addExact);
    }

    /// Returns the bytes of the top-k experts of one layer, for every size class.
    public long minimumBytes() {
        return IntStream.range(0, sizeClasses.size())
                .mapToLong(c -> leastSlots(c) * slotBytes(c))
                .reduce(0, Math::addExact);
    }

    /// Returns the slots of each size class: at least the top-k of one layer, beyond that in proportion to the bytes
    /// of all its experts, never more than it has experts, and in all no more than `budgetBytes`.
    ///
    /// @throws InvalidOptionException if the budget is below [#minimumBytes()]
    public int[] slots(long budgetBytes) {
        if (budgetBytes < minimumBytes()) {
            throw new InvalidOptionException(
                    "ramBytes",
                    String.format(
                            Locale.ROOT,
                            "a budget of %,d %s is too small: the top-%d experts of one layer need at least %,d bytes (%s)",
                            budgetBytes,
                            budgetBytes == 1 ? "byte" : "bytes",
                            numExpertsPerToken,
                            minimumBytes(),
                            leastSlotsInWords()));
        }
        long spare = Math.min(budgetBytes, allBytes()) - minimumBytes();
        int[] slots = new int[sizeClasses.size()];
        for (int c = 0; c < slots.length; c++) {
            slots[c] = leastSlots(c) + (int) (shareOf(c, spare) / slotBytes(c));
        }
        spendRemainder(slots, budgetBytes);
        return slots;
    }

    /// Checks that this process may have as many addresses as slots of that budget take, whether they are used or not.
    ///
    /// @throws IllegalArgumentException if it may not, so that loading would fail
    public void requireAddresses(long budgetBytes) {
        AvailableMemory.addressSpace().ifPresent(limit -> requireAddresses(Math.min(budgetBytes, allBytes()), limit));
    }

    static void requireAddresses(long slotBytes, MemoryLimit addressSpace) {
        if (slotBytes > addressSpace.availableBytes()) {
            throw InvalidOptionException.tooLittle(
                    "ramBytes",
                    "experts of " + ByteSize.format(slotBytes) + " do not fit into the " + addressSpace.left(),
                    "ramBytes");
        }
    }

    /// Rounding down leaves a few slots' worth of bytes.
    private void spendRemainder(int[] slots, long budgetBytes) {
        long left = budgetBytes;
        for (int c = 0; c < slots.length; c++) {
            left -= slots[c] * slotBytes(c);
        }
        for (int c = 0; c < slots.length; c++) {
            int more = (int) Math.min(left / slotBytes(c), numExperts(c) - slots[c]);
            slots[c] += more;
            left -= more * slotBytes(c);
        }
    }

    private long shareOf(int sizeClass, long spare) {
        long growth = classBytes(sizeClass) - leastSlots(sizeClass) * slotBytes(sizeClass);
        long allGrowth = allBytes() - minimumBytes();
        return allGrowth == 0
                ? 0
                : BigInteger.valueOf(spare)
                        .multiply(BigInteger.valueOf(growth))
                        .divide(BigInteger.valueOf(allGrowth))
                        .longValueExact();
    }

    private int numExperts(int sizeClass) {
        return sizeClasses.get(sizeClass).numExperts();
    }

    private long slotBytes(int sizeClass) {
        return sizeClasses.get(sizeClass).slotBytes();
    }

    /// Returns the slots that a size class cannot do without: the top-k of one layer.
    int leastSlots(int sizeClass) {
        return Math.min(numExpertsPerToken, numExperts(sizeClass));
    }

    private long classBytes(int sizeClass) {
        return Math.multiplyExact(numExperts(sizeClass), slotBytes(sizeClass));
    }

    private String leastSlotsInWords() {
        StringJoiner words = new StringJoiner(" + ");
        for (int c = 0; c < sizeClasses.size(); c++) {
            words.add(String.format(Locale.ROOT, "%d slots of %,d bytes", leastSlots(c), slotBytes(c)));
        }
        return words.toString();
    }
}
