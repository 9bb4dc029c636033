package io.moetier.storage.format;

import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/// Characters that a text from a file must not bring to a screen: a terminal obeys some, and others change how what is
/// beside them is shown.
///
/// All of them are single chars, so that a text may be treated piece by piece.
public final class UnsafeCharacters {
    private UnsafeCharacters() {}

    /// Says whether a terminal may obey it: C0, delete and C1.
    public static boolean isControl(int letter) {
        return Character.isISOControl(letter);
    }

    /// Says whether it is one of those, or changes the direction or the lines of a text.
    public static boolean isUnsafe(int letter) {
        return isControl(letter)
                || (letter >= 0x202A && letter <= 0x202E)
                || (letter >= 0x2066 && letter <= 0x2069)
                || letter == 0x2028
                || letter == 0x2029;
    }

    /// Returns `text` with each of `replaced` shown otherwise.
    public static String replace(String text, IntPredicate replaced, IntFunction<String> shown) {
        if (text.chars().noneMatch(replaced)) {
            return text;
        }
        StringBuilder safe = new StringBuilder(text.length() + Long.SIZE);
        text.chars().forEach(letter -> {
            if (replaced.test(letter)) {
                safe.append(shown.apply(letter));
            } else {
                safe.append((char) letter);
            }
        });
        return safe.toString();
    }
}
