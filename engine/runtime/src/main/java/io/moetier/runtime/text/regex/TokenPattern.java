package io.moetier.runtime.text.regex;

import io.moetier.runtime.text.regex.Automaton.Place;
import io.moetier.runtime.text.regex.Expression.Looks;
import java.util.Map;

/// A pattern of a tokenizer, weighed.
public final class TokenPattern {
    private final Automaton automaton;
    private final Backtracking backtracking;
    private final int leastLength;

    private TokenPattern(Expression expression) {
        this.automaton = new Automaton(expression);
        this.backtracking = Backtracking.of(automaton);
        this.leastLength = expression.leastLength();
    }

    /// Reads a pattern in the syntax that the tokenizer library takes.
    ///
    /// @throws IllegalArgumentException if it is malformed, not understood, or has no useful bound of time
    public static TokenPattern read(String pattern) {
        return new TokenPattern(PatternReader.read(pattern));
    }

    /// Returns a bound of how often one attempt to match goes back.
    public Growth attempt() {
        return backtracking.attempt();
    }

    /// Returns a bound of how often an attempt goes back without getting on in the text.
    public Growth search() {
        return backtracking.search();
    }

    /// Returns the least number of characters that a match has.
    public int leastLength() {
        return leastLength;
    }

    /// Says whether some match may hold these two characters, one after the other, or may depend on the one for what
    /// comes on the side of the other. The answer may be yes in vain, but never no.
    public boolean mayCross(int before, int after) {
        return leastLength == 0 || mayCross(automaton, before, after);
    }

    /// Says whether a match begins at each `character` that `next` follows and that no earlier match holds.
    public boolean alwaysBeginsAt(int character, int next) {
        return automaton.first().keySet().stream()
                .filter(place -> takes(place, character))
                .anyMatch(place -> automaton.mayEndAt(place)
                        || automaton.places().get(place).next().keySet().stream()
                                .anyMatch(second -> takes(second, next) && automaton.mayEndAt(second)));
    }

    private boolean takes(int number, int character) {
        Place place = automaton.places().get(number);
        return place.looks().isEmpty() && place.set().contains(character);
    }

    private static boolean mayCross(Automaton automaton, int before, int after) {
        if (mayComeNext(automaton, automaton.first(), after, true)) {
            return true;
        }
        for (Place place : automaton.places()) {
            if (place.looks().isEmpty()
                    && place.set().contains(before)
                    && mayComeNext(automaton, place.next(), after, false)) {
                return true;
            }
            if (place.body().isPresent() && mayCross(place.body().get(), before, after)) {
                return true;
            }
        }
        return false;
    }

    /// Says whether one of the places that come next takes a character, or looks at it.
    ///
    /// @param atStart whether a match begins here, so that what it takes does not lie across
    private static boolean mayComeNext(Automaton automaton, Map<Integer, Double> next, int after, boolean atStart) {
        for (int number : next.keySet()) {
            Place place = automaton.places().get(number);
            if (place.looks().isEmpty()) {
                if (!atStart && place.set().contains(after)) {
                    return true;
                }
            } else if (place.looks().get() != Looks.AHEAD
                    || (!atStart
                            && mayComeNext(
                                    place.body().orElseThrow(),
                                    place.body().get().first(),
                                    after,
                                    false))
                    || mayComeNext(automaton, place.next(), after, atStart)) {
                return true;
            }
        }
        return false;
    }
}
