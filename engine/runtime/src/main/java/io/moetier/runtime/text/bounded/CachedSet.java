package io.moetier.runtime.text.bounded;

import io.moetier.runtime.text.regex.CharacterSet;

/// A set that is quick to ask for the characters of most texts.
final class CachedSet implements CharacterSet {
    private static final int SIZE = 128;

    private final boolean[] ascii = new boolean[SIZE];
    private final CharacterSet set;

    private CachedSet(CharacterSet set) {
        this.set = set;
        for (int codePoint = 0; codePoint < SIZE; codePoint++) {
            ascii[codePoint] = set.contains(codePoint);
        }
    }

    static CharacterSet of(CharacterSet set) {
        return new CachedSet(set);
    }

    @Override
    public boolean contains(int codePoint) {
        return codePoint < SIZE ? ascii[codePoint] : set.contains(codePoint);
    }
}
