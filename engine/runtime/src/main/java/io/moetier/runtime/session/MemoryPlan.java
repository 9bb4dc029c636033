package io.moetier.runtime.session;

import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// What goes into the memory that the tightest limit allows: experts, and parts that are there or may come.
///
/// @param expertBytes what is left for experts beside all parts; below 0 if the parts alone are too many
/// @param parts all but experts, the reserve last
public record MemoryPlan(MemoryLimit limit, long expertBytes, List<Part> parts) {
    /// Bytes, and what they are for.
    public record Part(String name, long bytes) {
        private String words() {
            return name + " " + ByteSize.format(bytes);
        }
    }

    public MemoryPlan {
        parts = List.copyOf(parts);
    }

    static MemoryPlan of(MemoryLimit limit, List<Part> parts) {
        long sum = parts.stream().mapToLong(Part::bytes).sum();
        return new MemoryPlan(
                limit,
                limit.bytes() - sum,
                parts.stream().filter(part -> part.bytes() > 0).toList());
    }

    /// Says that slots of `bytes` are more than fits, if they are.
    public Optional<String> excess(long bytes) {
        return bytes <= Math.max(0, expertBytes)
                ? Optional.empty()
                : Optional.of(shortage(bytes)
                        + "; what does not fit is given back while the model runs, or ends the process");
    }

    /// Says that `experts` bytes of experts do not fit, and beside what.
    String shortage(long experts) {
        return ByteSize.format(experts) + " of experts do not fit: " + left();
    }

    /// Says how much is left for experts, of what, and beside what.
    public String left() {
        return "of the " + ByteSize.format(limit.bytes()) + " of " + limit.what() + ", "
                + ByteSize.format(Math.max(0, expertBytes)) + " are left beside "
                + parts.stream().map(Part::words).collect(Collectors.joining(", "));
    }
}
