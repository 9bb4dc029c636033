package io.moetier.runtime.text.regex;

/// Reads a class of characters in brackets: ranges, named sets, classes within it, and `&&` between them.
final class ClassReader {
    /// Deeper classes are no pattern that anyone wrote.
    private static final int MOST_DEPTH = 50;

    private final Cursor cursor;
    private final EscapeReader escapes;

    ClassReader(Cursor cursor) {
        this.cursor = cursor;
        this.escapes = new EscapeReader(cursor, Properties.WORD);
    }

    /// Reads a class, whose first bracket has been passed.
    CharacterSet read() {
        return read(0);
    }

    private CharacterSet read(int depth) {
        if (depth > MOST_DEPTH || cursor.at("]") || cursor.at("^]")) {
            throw cursor.unreadable("this class");
        }
        boolean negated = cursor.take("^");
        CharacterSet all = CharacterSet.ALL;
        CharacterSet set = CharacterSet.NONE;
        while (!cursor.take("]")) {
            if (cursor.take("&&")) {
                all = all.and(set);
                set = CharacterSet.NONE;
            } else {
                set = set.or(item(depth));
            }
        }
        CharacterSet found = all.and(set);
        return negated ? found.not() : found;
    }

    private CharacterSet item(int depth) {
        if (cursor.take("[:")) {
            return posix();
        }
        if (cursor.take("[")) {
            return read(depth + 1);
        }
        return escapes.set().orElseGet(this::characters);
    }

    private CharacterSet characters() {
        int first = escapes.character();
        if (!cursor.at("-") || cursor.at("-]") || cursor.at("-&&") || cursor.at("-[")) {
            return CharacterSet.of(first);
        }
        cursor.require("-");
        if (cursor.at("\\p") || cursor.at("\\P") || escapes.set().isPresent()) {
            throw cursor.unreadable("a range that ends with a set");
        }
        int last = escapes.character();
        if (last < first) {
            throw cursor.unreadable("a range that ends before it begins");
        }
        return CharacterSet.range(first, last);
    }

    private CharacterSet posix() {
        boolean negated = cursor.take("^");
        String name = cursor.until(":]");
        CharacterSet set = Properties.named(name).orElseThrow(() -> cursor.unreadable("the class '" + name + "'"));
        return negated ? set.not() : set;
    }
}
