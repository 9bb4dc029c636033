package io.moetier.cli.bench;

import io.moetier.cli.terminal.Numbers;
import io.moetier.storage.memory.ByteSize;
import java.util.Arrays;
import java.util.List;

/// A limit of memory: a size, or a share of a model's.
///
/// @param words as it was typed
record MemoryShare(String words, long bytes) {
    /// Reads limits separated by commas, such as `2200M` or `75%,50%`.
    ///
    /// @throws IllegalArgumentException if one is neither, with a sentence that names it
    static List<MemoryShare> parse(String text, long modelBytes) {
        return Arrays.stream(text.split(",", -1))
                .map(word -> new MemoryShare(word, bytes(word.strip(), modelBytes)))
                .toList();
    }

    private static long bytes(String word, long modelBytes) {
        if (!word.endsWith("%")) {
            return ByteSize.parse(word).bytes();
        }
        double percent = Numbers.decimal(word.substring(0, word.length() - 1));
        if (!(percent > 0 && percent <= 100)) {
            throw new IllegalArgumentException(
                    "expected a share of more than 0 and at most 100 %, found '" + word + "'");
        }
        return (long) (percent / 100 * modelBytes);
    }
}
