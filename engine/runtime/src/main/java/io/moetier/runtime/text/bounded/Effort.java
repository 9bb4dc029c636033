package io.moetier.runtime.text.bounded;

import io.moetier.runtime.text.regex.Growth;
import java.util.Locale;

/// The steps that the patterns of a tokenizer may take in a text, all together.
final class Effort {
    private double steps;

    /// Adds steps and says whether there are not too many now.
    boolean add(double more) {
        steps += more;
        return steps <= Limits.STEPS_PER_TEXT;
    }

    /// Returns the longest run that a text may have once.
    static int longestRun(Growth growth) {
        int low = 0;
        int high = Limits.CHARACTERS;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            boolean fits = growth.steps(middle) <= Limits.STEPS_PER_ATTEMPT
                    && growth.steps(middle) * middle <= Limits.STEPS_PER_TEXT;
            low = fits ? middle : low;
            high = fits ? high : middle - 1;
        }
        return low;
    }

    static String shown(double number) {
        return number < Limits.STEPS_PER_TEXT ? String.format(Locale.ROOT, "%.0f", number) : "more than a billion";
    }
}
