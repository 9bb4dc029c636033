package io.moetier.runtime.text.regex;

import io.moetier.runtime.text.regex.Expression.Assertion;
import io.moetier.runtime.text.regex.Expression.Characters;
import io.moetier.runtime.text.regex.Expression.Either;
import io.moetier.runtime.text.regex.Expression.Looks;
import io.moetier.runtime.text.regex.Expression.Repeat;
import io.moetier.runtime.text.regex.Expression.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Reads a pattern in the syntax of Oniguruma for Ruby, which the tokenizer library takes.
///
/// What published tokenizers have no use for is not understood: references back, recursion, conditions, and whatever
/// else makes a pattern more than a regular expression.
final class PatternReader {
    private static final int MOST_DEPTH = 100;
    private static final int MOST_TIMES = 1000;
    private static final CharacterSet BEYOND_ASCII = codePoint -> codePoint >= 0x80;
    private static final CharacterSet LETTERS = BEYOND_ASCII.or(Character::isAlphabetic);

    private final Cursor cursor;
    private final EscapeReader escapes;
    private int depth;

    private PatternReader(String pattern) {
        this.cursor = new Cursor(pattern);
        this.escapes = new EscapeReader(cursor, Properties.WORD_ALONE);
    }

    /// What letters in a group say of all that follows in it.
    private record Options(boolean ignoresCase, boolean dotIsAll) {}

    /// Reads a pattern.
    ///
    /// @throws IllegalArgumentException if it is malformed or not understood, saying what and where
    static Expression read(String pattern) {
        PatternReader reader = new PatternReader(pattern);
        Expression expression = reader.choices(new Options(false, false));
        if (!reader.cursor.atEnd()) {
            throw reader.cursor.unreadable("')'");
        }
        return expression;
    }

    private Expression choices(Options options) {
        if (++depth > MOST_DEPTH) {
            throw cursor.unreadable("a group within " + MOST_DEPTH + " others");
        }
        List<Expression> choices = new ArrayList<>();
        do {
            choices.add(sequence(options));
        } while (cursor.take("|"));
        depth--;
        return choices.size() == 1 ? choices.getFirst() : new Either(choices);
    }

    private Expression sequence(Options options) {
        List<Expression> parts = new ArrayList<>();
        while (!cursor.atEnd() && !cursor.at("|") && !cursor.at(")")) {
            Expression part = repeated(item(options));
            parts.add(part);
        }
        return parts.size() == 1 ? parts.getFirst() : new Sequence(parts);
    }

    /// Reads how often what came before comes. Whether as often or as seldom as can be changes no bound.
    private Expression repeated(Expression body) {
        Expression result = body;
        while (true) {
            if (cursor.take("*")) {
                result = new Repeat(result, 0, Repeat.UNBOUNDED);
            } else if (cursor.take("+")) {
                result = new Repeat(result, 1, Repeat.UNBOUNDED);
            } else if (cursor.take("?")) {
                result = new Repeat(result, 0, 1);
            } else if (cursor.take("{")) {
                result = counted(result);
                continue;
            } else {
                return result;
            }
            if (!cursor.take("?")) {
                cursor.take("+");
            }
        }
    }

    private Expression counted(Expression body) {
        String[] bounds = cursor.until("}").split(",", -1);
        int least = bounds[0].isEmpty() && bounds.length == 2 ? 0 : times(bounds[0]);
        int most = bounds.length == 1 ? least : bounds[1].isEmpty() ? Repeat.UNBOUNDED : times(bounds[1]);
        if (bounds.length > 2 || (bounds.length == 2 && bounds[0].isEmpty() && bounds[1].isEmpty())) {
            throw cursor.unreadable("a count of " + bounds.length + " numbers");
        }
        if (most != Repeat.UNBOUNDED && most < least) {
            throw cursor.unreadable("a count that ends before it begins");
        }
        Repeat repeat = new Repeat(body, least, most);
        // Behind one number, Ruby's question mark makes all of it optional.
        return cursor.take("?") && bounds.length == 1 ? new Repeat(repeat, 0, 1) : repeat;
    }

    private int times(String number) {
        try {
            int times = Integer.parseUnsignedInt(number);
            if (times <= MOST_TIMES) {
                return times;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw cursor.unreadable("the count '" + number + "'");
    }

    private Expression item(Options options) {
        if (cursor.take("(")) {
            return group(options);
        }
        if (cursor.take("[")) {
            return set(new ClassReader(cursor).read(), options);
        }
        if (cursor.take(".")) {
            return set(
                    options.dotIsAll()
                            ? CharacterSet.ALL
                            : CharacterSet.of('\n').not(),
                    options);
        }
        for (String edge : List.of("^", "$", "\\A", "\\z", "\\Z", "\\b", "\\B", "\\G")) {
            if (cursor.take(edge)) {
                return new Assertion(Looks.BOTH_WAYS, Optional.empty());
            }
        }
        if (cursor.at("*") || cursor.at("+") || cursor.at("?") || cursor.at("{")) {
            throw cursor.unreadable("'" + Character.toString(cursor.peek()) + "' after nothing");
        }
        return escapes.set().map(set -> set(set, options)).orElseGet(() -> character(escapes.character(), options));
    }

    private static Characters character(int character, Options options) {
        CharacterSet set = CharacterSet.of(character);
        // Some characters beyond ASCII are, but for case, two others together.
        return new Characters(options.ignoresCase() ? set.ignoringCase().or(BEYOND_ASCII) : set);
    }

    /// Whether a set is taken before case is ignored or after depends on how it is written. So all letters are taken to
    /// be in it.
    private static Characters set(CharacterSet set, Options options) {
        return new Characters(options.ignoresCase() ? set.or(LETTERS) : set);
    }

    private Expression group(Options options) {
        if (cursor.take("?#")) {
            cursor.until(")");
            return Expression.EMPTY;
        }
        if (cursor.take("?=") || cursor.take("?!")) {
            return new Assertion(Looks.AHEAD, Optional.of(inner(options)));
        }
        if (cursor.take("?<=") || cursor.take("?<!")) {
            return new Assertion(Looks.BEHIND, Optional.of(inner(options)));
        }
        if (cursor.take("?<")) {
            cursor.until(">");
            return inner(options);
        }
        if (cursor.take("?:") || cursor.take("?>")) {
            return inner(options);
        }
        return cursor.take("?") ? withOptions(options) : inner(options);
    }

    /// Reads letters that set options, for the group that they begin or, as in Ruby, for all that is left of the group
    /// that they stand in, bars included.
    private Expression withOptions(Options options) {
        boolean ignoresCase = options.ignoresCase();
        boolean dotIsAll = options.dotIsAll();
        boolean sets = true;
        while (!cursor.at(":") && !cursor.at(")")) {
            if (cursor.take("-")) {
                sets = false;
            } else if (cursor.take("i")) {
                ignoresCase = sets;
            } else if (cursor.take("m")) {
                dotIsAll = sets;
            } else {
                throw cursor.unreadable("a group that begins like this");
            }
        }
        Options inside = new Options(ignoresCase, dotIsAll);
        return cursor.take(":") ? inner(inside) : rest(inside);
    }

    private Expression rest(Options options) {
        cursor.require(")");
        return choices(options);
    }

    private Expression inner(Options options) {
        Expression expression = choices(options);
        cursor.require(")");
        return expression;
    }
}
