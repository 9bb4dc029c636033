package io.moetier.runtime.text.bounded;

import io.moetier.runtime.text.regex.CharacterSet;
import java.util.stream.IntStream;

/// The runs of characters of a set in a text, as long as they can be.
final class Runs {
    /// Shorter ones take less time than anything else that is done to a text.
    private static final int SHORTEST = 32;

    private final String text;
    private final CharacterSet set;
    private int place;

    private Runs(String text, CharacterSet set) {
        this.text = text;
        this.set = set;
    }

    /// Returns the lengths of the runs, but for short ones.
    static IntStream of(String text, CharacterSet set) {
        Runs runs = new Runs(text, CachedSet.of(set));
        return IntStream.generate(runs::next).takeWhile(length -> length > 0);
    }

    /// Returns the length of the next run, 0 if there is none.
    private int next() {
        int run = 0;
        while (place < text.length()) {
            int codePoint = text.codePointAt(place);
            place += Character.charCount(codePoint);
            if (set.contains(codePoint)) {
                run++;
            } else if (run >= SHORTEST) {
                return run;
            } else {
                run = 0;
            }
        }
        return run >= SHORTEST ? run : 0;
    }
}
