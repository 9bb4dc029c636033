package io.moetier.runtime.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Which two tokens make each token of a vocabulary that has ranks in the place of merges.
///
/// tiktoken joins whatever neighbours make a token, those of the lowest rank first, and the leftmost of these. Until
/// all of a token's bytes are in one piece, nothing beside them has a part in that. So the same two tokens make it in
/// any text, and to list them, in the order of the ranks, is to list all merges that ever happen.
final class TiktokenMerges {
    private static final int NO_TOKEN = Integer.MAX_VALUE;

    private final Map<String, Integer> ranks = new HashMap<>();

    /// @param tokens by rank, each character standing for a byte
    TiktokenMerges(List<String> tokens) {
        for (String token : tokens) {
            ranks.put(token, ranks.size());
        }
    }

    /// Returns how long the first of the two tokens is that are joined last, empty for a byte, and for a token that no
    /// joining makes: it is found only in a word that it is the whole of.
    OptionalInt cut(String token) {
        int parts = token.length();
        int[] starts = IntStream.rangeClosed(0, parts).toArray(); // the last is where the last part ends
        int[] joined = new int[parts]; // rank of a part with the next one
        for (int i = 0; i < parts; i++) {
            joined[i] = rank(token, starts, i, parts);
        }
        for (; parts > 2; parts--) {
            int first = lowest(joined, parts);
            if (joined[first] == NO_TOKEN) {
                return OptionalInt.empty();
            }
            System.arraycopy(starts, first + 2, starts, first + 1, parts - first - 1);
            System.arraycopy(joined, first + 1, joined, first, parts - first - 1);
            joined[first] = rank(token, starts, first, parts - 1);
            if (first > 0) {
                joined[first - 1] = rank(token, starts, first - 1, parts - 1);
            }
        }
        return parts == 2 ? OptionalInt.of(starts[1]) : OptionalInt.empty();
    }

    private static int lowest(int[] joined, int parts) {
        int lowest = 0;
        for (int i = 1; i < parts; i++) {
            lowest = joined[i] < joined[lowest] ? i : lowest;
        }
        return lowest;
    }

    private int rank(String token, int[] starts, int part, int parts) {
        return part + 1 < parts
                ? ranks.getOrDefault(token.substring(starts[part], starts[part + 2]), NO_TOKEN)
                : NO_TOKEN;
    }
}
