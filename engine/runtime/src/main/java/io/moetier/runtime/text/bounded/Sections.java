package io.moetier.runtime.text.bounded;

import java.util.HashMap;
import java.util.Map;

/// The sections of a long text, in order. Their tokens are together those of the text.
///
/// A text is cut before a blank, behind a character that no composition touches and before a letter or digit.
///
/// Not thread-safe.
public final class Sections {
    /// Long enough that what a call takes does not show, and short enough to be soon done.
    static final int LENGTH = 1 << 15;

    private static final int ASCII = 0x80;

    private final String text;
    private final TokenizerBounds bounds;
    private final int length;
    private final Effort effort = new Effort();
    private final Map<Long, Boolean> known = new HashMap<>();
    private int place;

    /// @param length characters of a section, if it can be cut there
    Sections(String text, TokenizerBounds bounds, int length) {
        this.text = text;
        this.bounds = bounds;
        this.length = length;
    }

    /// Says whether there is one more.
    public boolean hasNext() {
        return place < text.length();
    }

    /// Returns the next section, as the library is to be given it; the first one may be empty.
    ///
    /// @throws IllegalArgumentException if the library cannot be given it, as [TokenizerBounds#check(String)]
    public String next() {
        int end = end();
        String section = text.substring(place > 0 && bounds.putsBlankInFront() ? place + 1 : place, end);
        bounds.check(section, effort);
        place = end;
        return section;
    }

    private int end() {
        if (text.length() - place <= length) {
            return text.length();
        }
        for (int end = place + length; end > place; end--) {
            if (mayCut(end)) {
                return end;
            }
        }
        int most = Math.min(text.length() - 1, place + Limits.CHARACTERS);
        for (int end = place + length + 1; end < most; end++) {
            if (mayCut(end)) {
                return end;
            }
        }
        return text.length();
    }

    private boolean mayCut(int end) {
        char before = text.charAt(end - 1);
        char blank = text.charAt(end);
        char next = end + 1 < text.length() ? text.charAt(end + 1) : ' ';
        if ((blank != ' ' && blank != '\n') || next >= ASCII || !Character.isLetterOrDigit(next) || !isPlain(before)) {
            return false;
        }
        long key = ((long) before << Character.SIZE | blank) << Character.SIZE | next;
        return known.computeIfAbsent(key, _ -> bounds.mayCut(before, blank, next));
    }

    /// Says whether a character is the same in each form of Unicode, whatever stands before it.
    private static boolean isPlain(char character) {
        return character < ASCII ? character > ' ' : Character.isIdeographic(character) && character < 0xf900;
    }
}
