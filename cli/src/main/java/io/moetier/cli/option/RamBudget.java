package io.moetier.cli.option;

import io.moetier.cli.terminal.ByteSize;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.MemoryLimit;
import java.util.Optional;

/// A budget for experts in memory beside what there is.
///
/// @param name of the option or the file that says it
public record RamBudget(String name, long bytes) {
    /// Says that there is not as much; nothing if there is. It is no error: what is not used costs nothing, and a model
    /// may be smaller.
    Optional<String> warning() {
        return warning(AvailableMemory.tightest());
    }

    Optional<String> warning(MemoryLimit tightest) {
        return bytes <= tightest.availableBytes()
                ? Optional.empty()
                : Optional.of(name + ": " + ByteSize.format(bytes) + " is more than the " + left(tightest)
                        + "; what does not fit may end the process or slow the machine down");
    }

    /// Checks that a process may have that many addresses, which slots take whether they are used or not.
    ///
    /// @param experts the bytes of all experts, more than which no slots are made for
    /// @throws IllegalArgumentException if it may not, so that loading would fail
    public static void requireAddresses(long ram, long experts) {
        AvailableMemory.addressSpace().ifPresent(limit -> requireAddresses(Math.min(ram, experts), limit));
    }

    public static void requireAddresses(long slots, MemoryLimit addressSpace) {
        if (slots > addressSpace.availableBytes()) {
            throw new IllegalArgumentException("--ram: experts of " + ByteSize.format(slots) + " do not fit into the "
                    + left(addressSpace) + "; a smaller --ram takes less");
        }
    }

    private static String left(MemoryLimit limit) {
        return ByteSize.format(limit.availableBytes()) + " that " + limit.what() + " has left of "
                + ByteSize.format(limit.bytes());
    }
}
