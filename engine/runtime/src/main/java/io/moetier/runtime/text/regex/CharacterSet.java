package io.moetier.runtime.text.regex;

import java.lang.Character.UnicodeScript;
import java.util.List;

/// A set of code points, which says of each whether it holds it.
@FunctionalInterface
public interface CharacterSet {
    /// Every code point.
    CharacterSet ALL = codePoint -> true;

    /// No code point.
    CharacterSet NONE = codePoint -> false;

    /// What Unicode calls white space.
    CharacterSet BLANKS = codePoint -> (codePoint >= '\t' && codePoint <= '\r')
            || codePoint == ' '
            || codePoint == 0x85
            || codePoint == 0xa0
            || codePoint == 0x1680
            || (codePoint >= 0x2000 && codePoint <= 0x200a)
            || codePoint == 0x2028
            || codePoint == 0x2029
            || codePoint == 0x202f
            || codePoint == 0x205f
            || codePoint == 0x3000;

    /// Says whether the set holds a code point.
    boolean contains(int codePoint);

    /// Returns the set of one code point.
    static CharacterSet of(int single) {
        return codePoint -> codePoint == single;
    }

    /// Returns the set of the code points from `first` to `last`.
    static CharacterSet range(int first, int last) {
        return codePoint -> codePoint >= first && codePoint <= last;
    }

    /// Returns the set of the code points in these general categories, numbered as in [Character].
    static CharacterSet categories(List<Byte> categories) {
        int mask = categories.stream().mapToInt(category -> 1 << category).reduce(0, (a, b) -> a | b);
        return codePoint -> (mask >> Character.getType(codePoint) & 1) != 0;
    }

    /// Returns the set of the code points of a script.
    static CharacterSet script(UnicodeScript script) {
        return codePoint -> UnicodeScript.of(codePoint) == script;
    }

    /// Returns what this set or the other holds.
    default CharacterSet or(CharacterSet other) {
        return codePoint -> contains(codePoint) || other.contains(codePoint);
    }

    /// Returns what both sets hold.
    default CharacterSet and(CharacterSet other) {
        return codePoint -> contains(codePoint) && other.contains(codePoint);
    }

    /// Returns what this set does not hold.
    default CharacterSet not() {
        return codePoint -> !contains(codePoint);
    }

    /// Returns this set with each letter in its other case.
    ///
    /// Two letters of ASCII have a form of other blocks: ſ is a small s, and the sign of the kelvin a small k.
    default CharacterSet ignoringCase() {
        return codePoint -> contains(codePoint)
                || contains(Character.toLowerCase(codePoint))
                || contains(Character.toUpperCase(codePoint))
                || contains(Character.toLowerCase(Character.toUpperCase(codePoint)))
                || ((codePoint == 's' || codePoint == 'S') && contains(0x17f))
                || ((codePoint == 'k' || codePoint == 'K') && contains(0x212a));
    }

    /// Says whether some code point is in both sets. Looks at all of them, so it is for rare questions.
    default boolean meets(CharacterSet other) {
        for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
            if (contains(codePoint) && other.contains(codePoint)) {
                return true;
            }
        }
        return false;
    }
}
