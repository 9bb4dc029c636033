package io.moetier.runtime.text.regex;

import java.util.List;
import java.util.Optional;

/// A regular expression as a tree. Groups of all kinds are their contents: what a group captures, or whether it gives
/// characters back, changes no bound.
sealed interface Expression {
    /// Matches nothing, always.
    Expression EMPTY = new Sequence(List.of());

    /// Returns the least number of characters that a match has.
    int leastLength();

    /// One character of a set.
    record Characters(CharacterSet set) implements Expression {
        @Override
        public int leastLength() {
            return 1;
        }
    }

    /// One expression after another.
    record Sequence(List<Expression> parts) implements Expression {
        @Override
        public int leastLength() {
            return parts.stream().mapToInt(Expression::leastLength).reduce(0, Expression::sum);
        }
    }

    /// One of several expressions.
    record Either(List<Expression> choices) implements Expression {
        @Override
        public int leastLength() {
            return choices.stream().mapToInt(Expression::leastLength).min().orElse(0);
        }
    }

    /// An expression several times.
    ///
    /// @param most [#UNBOUNDED] if there is no end
    record Repeat(Expression body, int least, int most) implements Expression {
        static final int UNBOUNDED = -1;

        @Override
        public int leastLength() {
            return (int) Math.min(Integer.MAX_VALUE, (long) body.leastLength() * least);
        }
    }

    /// Looks around and takes nothing.
    ///
    /// @param body what is looked for; empty at the edges of texts, lines and words
    record Assertion(Looks looks, Optional<Expression> body) implements Expression {
        @Override
        public int leastLength() {
            return 0;
        }
    }

    /// Where an assertion looks.
    enum Looks {
        AHEAD,
        BEHIND,
        /// To the character before and to the one after.
        BOTH_WAYS
    }

    private static int sum(int a, int b) {
        return (int) Math.min(Integer.MAX_VALUE, (long) a + b);
    }
}
