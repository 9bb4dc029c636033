package io.moetier.cli.option;

import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import java.util.Optional;

/// A budget for experts in memory beside what there is.
///
/// @param name of the option or the file that says it
public record RamBudget(String name, long bytes) {
    /// Returns what to say if there is not as much. It is no error: what is not used costs nothing, and a model
    /// may be smaller.
    Optional<String> warning() {
        return warning(AvailableMemory.tightest());
    }

    Optional<String> warning(MemoryLimit tightest) {
        return bytes <= tightest.availableBytes()
                ? Optional.empty()
                : Optional.of(name + ": " + ByteSize.format(bytes) + " is more than the " + tightest.left()
                        + "; what does not fit may end the process or slow the machine down");
    }
}
