package io.moetier.runtime.text.regex;

/// A place in the text of a pattern that is being read.
final class Cursor {
    private static final int END = -1;

    private final int[] codePoints;
    private int place;

    Cursor(String pattern) {
        this.codePoints = pattern.codePoints().toArray();
    }

    boolean atEnd() {
        return place == codePoints.length;
    }

    /// Returns the next character, or a negative number at the end.
    int peek() {
        return atEnd() ? END : codePoints[place];
    }

    boolean at(String text) {
        int[] expected = text.codePoints().toArray();
        for (int i = 0; i < expected.length; i++) {
            if (place + i >= codePoints.length || codePoints[place + i] != expected[i]) {
                return false;
            }
        }
        return true;
    }

    /// Passes `text` if it comes next, and says whether it did.
    boolean take(String text) {
        boolean found = at(text);
        if (found) {
            place += text.codePointCount(0, text.length());
        }
        return found;
    }

    int next() {
        if (atEnd()) {
            throw unreadable("its end");
        }
        return codePoints[place++];
    }

    void require(String text) {
        if (!take(text)) {
            throw unreadable(atEnd() ? "its end" : "'" + Character.toString(peek()) + "'");
        }
    }

    /// Passes everything up to `end`, which comes somewhere, and it too.
    String until(String end) {
        StringBuilder text = new StringBuilder();
        while (!take(end)) {
            text.appendCodePoint(next());
        }
        return text.toString();
    }

    /// Returns what to throw where something comes that is not understood.
    IllegalArgumentException unreadable(String found) {
        return new IllegalArgumentException(found + " at character " + place + " is not understood");
    }
}
