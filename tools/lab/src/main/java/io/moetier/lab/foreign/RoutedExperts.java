package io.moetier.lab.foreign;

import java.util.SortedMap;
import java.util.TreeMap;

/// An array of expert ids, `[tokens, layers, k]`.
interface RoutedExperts {
    int numTokens();

    int numLayers();

    int topK();

    /// Returns an id; negative where none was recorded.
    int id(int token, int layer, int slot);

    /// Returns what a token chose, without the layers in which nothing was recorded: those with a negative id, and
    /// those that are all 0 although a token chooses several experts, as layers without experts are.
    default SortedMap<Integer, Choice> choices(int token) {
        SortedMap<Integer, Choice> choices = new TreeMap<>();
        for (int layer = 0; layer < numLayers(); layer++) {
            int[] experts = new int[topK()];
            int least = Integer.MAX_VALUE;
            int most = 0;
            for (int slot = 0; slot < experts.length; slot++) {
                experts[slot] = id(token, layer, slot);
                least = Math.min(least, experts[slot]);
                most = Math.max(most, experts[slot]);
            }
            if (least >= 0 && (most > 0 || experts.length == 1)) {
                choices.put(layer, Choice.of(experts));
            }
        }
        return choices;
    }
}
